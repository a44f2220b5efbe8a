// Deploys an unpacked release of Signpost with the AWS CDK.
//
//     npm install aws-cdk-lib constructs
//     npx cdk deploy --app "node app.mjs" --context release=/path/to/the/release \
//       --context operatorKeyHashes=… --context mailFrom=reports@example.com

import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(process.env.CDK_HOME ? resolve(process.env.CDK_HOME, "package.json") : import.meta.url);
const { App, Stack, Tags } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { Asset } = require("aws-cdk-lib/aws-s3-assets");

const FUNCTIONS = {
  Api: "api",
  Authorizer: "authorizer",
  Feed: "api",
  Redirect: "redirect",
  Console: "console",
  WebhookSender: "webhook-sender",
  WebhookRetry: "webhook-retry",
  DailyDigest: "daily-digest",
  MailFeedback: "mail-feedback",
};

class SignpostStack extends Stack {
  constructor(scope, id, { release, parameters, ...props }) {
    super(scope, id, props);
    const template = (name) => join(release, `${name}.yaml`);
    const signpost = new CfnInclude(this, "Signpost", {
      templateFile: template("signpost"),
      loadNestedStacks: {
        Network: { templateFile: template("network") },
        Application: { templateFile: template("application") },
        Alarms: { templateFile: template("alarms") },
      },
    });
    for (const [name, value] of Object.entries(parameters)) signpost.getParameter(name).default = value;
    // The code goes to the CDK's own bucket.
    const { includedTemplate } = signpost.getNestedStack("Application");
    for (const [resource, folder] of Object.entries(FUNCTIONS)) {
      const code = new Asset(this, `${resource}Code`, { path: join(release, `${folder}.zip`) });
      includedTemplate.getResource(resource).codeUri = { bucket: code.s3BucketName, key: code.s3ObjectKey };
    }
  }
}

const app = new App();
const context = (name) => {
  const value = app.node.tryGetContext(name);
  if (!value) throw new Error(`--context ${name}=… is missing`);
  return value;
};
const stack = new SignpostStack(app, app.node.tryGetContext("stackName") ?? "signpost", {
  release: context("release"),
  parameters: { OperatorKeyHashes: context("operatorKeyHashes"), MailFrom: context("mailFrom") },
});
Tags.of(stack).add("application", "signpost");
app.synth();
