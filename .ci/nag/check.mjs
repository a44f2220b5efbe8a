// Checks templates against cdk-nag's AwsSolutions rules. Fails for a finding that has no exception, and for an exception that has
// no finding.
//
//     node check.mjs FOLDER    with the templates as JSON, application.json after its SAM transform

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

// The packages are installed below target/tools and not beside this file.
const require = createRequire(resolve(process.env.NAG_HOME, "package.json"));
const { App, Aspects, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks } = require("cdk-nag");

const TEMPLATES = ["application", "network", "alarms", "signpost"];
const exceptions = JSON.parse(readFileSync(new URL("exceptions.json", import.meta.url), "utf8"));
const folder = process.argv[2];

const findings = [];
const failures = [];
const logger = {
  onCompliance() {},
  onNonCompliance: ({ resource, ruleId, ruleInfo, findingId }) =>
    findings.push({ id: `${ruleId} ${Stack.of(resource).stackName}/${resource.node.id}`, info: `${ruleInfo} ${findingId}`.trim() }),
  onSuppressed() {},
  onError: ({ ruleId, resource, errorMessage }) => failures.push([`${ruleId} error ${resource.node.path}`, errorMessage]),
  onSuppressedError() {},
  onNotApplicable() {},
};

const app = new App();
for (const name of TEMPLATES) {
  const stack = new Stack(app, name);
  new CfnInclude(stack, "template", { templateFile: join(folder, `${name}.json`) });
}
Aspects.of(app).add(new AwsSolutionsChecks({ reports: false, additionalLoggers: [logger] }));
// The CDK's own linter writes to both streams. cfn-lint has already checked the templates, with exceptions that it would not know.
const streams = [process.stdout, process.stderr];
const writes = streams.map((stream) => stream.write);
for (const stream of streams) stream.write = () => true;
try {
  app.synth();
} finally {
  streams.forEach((stream, index) => (stream.write = writes[index]));
}

// cdk-nag cannot evaluate a rule if a value that it wants literally depends on a parameter.
for (const [id, info] of failures) findings.push({ id, info });

const used = new Set();
let open = 0;
for (const finding of findings) {
  const exception = exceptions.find(({ finding: pattern }) => new RegExp(`^${pattern}$`).test(finding.id));
  if (exception) {
    used.add(exception);
  } else {
    open += 1;
    console.error(`${finding.id}: ${finding.info}`);
  }
}
for (const exception of exceptions.filter((exception) => !used.has(exception))) {
  open += 1;
  console.error(`no finding needs the exception ${exception.finding}`);
}
console.log(`cdk-nag: ${findings.length} findings, all but ${open} with a reason in exceptions.json`);
process.exit(open ? 1 : 0);
