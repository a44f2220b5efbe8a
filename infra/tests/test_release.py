"""Makes a release from stand-ins for the functions, and checks that it deploys without Rust."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from templates import FOLDER

ROOT = FOLDER.parent
# The CDK, as .ci/run installs it for cdk-nag.
NAG = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "tools/nag"
FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())


class ReleaseTest(unittest.TestCase):
    def release(self, architecture="x86_64"):
        """The archive of a release whose programs contain their own names."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for program in [*FUNCTIONS, "signpost"]:
            (folder / "bin" / program).mkdir(parents=True)
            (folder / "bin" / program / "bootstrap").write_text(program)
        command = [ROOT / ".ci/release", "--architecture", architecture, "--binaries", folder / "bin", folder / "out"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        (line,) = (folder / "out/SHA256SUMS").read_text().splitlines()
        self.assertEqual(printed, line + "\n")
        digest, name = line.split("  ")
        content = (folder / "out" / name).read_bytes()
        self.assertEqual(hashlib.sha256(content).hexdigest(), digest)
        return content

    def files(self, content):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def test_the_archive_has_the_templates_and_the_code_that_they_name(self):
        files = self.files(self.release())
        self.assertNotIn(b"../", files["application.yaml"])
        for function in FUNCTIONS:
            self.assertIn(f"CodeUri: {function}.zip\n".encode(), files["application.yaml"])
            with zipfile.ZipFile(io.BytesIO(files[f"{function}.zip"])) as code:
                (entry,) = code.infolist()
                self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))
                self.assertEqual(code.read(entry), function.encode())
        for template in ("network", "application", "alarms"):
            self.assertIn(f"TemplateURL: {template}.yaml\n".encode(), files["signpost.yaml"])
            self.assertIn(f"{template}.yaml", files)

    def test_the_archive_has_the_command_line_and_it_can_be_run(self):
        with zipfile.ZipFile(io.BytesIO(self.release())) as archive:
            self.assertEqual(archive.read("signpost"), b"signpost")
            self.assertEqual(archive.getinfo("signpost").external_attr >> 16, 0o100755)

    def test_the_checksums_of_the_archive_are_those_of_its_files(self):
        files = self.files(self.release())
        listed = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
        self.assertEqual(listed, {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})

    def test_the_default_architecture_is_the_one_of_the_code(self):
        for architecture in ("arm64", "x86_64"):
            files = self.files(self.release(architecture))
            for template in ("application.yaml", "signpost.yaml"):
                parameter = files[template].split(b"\n  Architecture:\n")[1]
                self.assertIn(f"Default: {architecture}\n".encode(), parameter[:80], template)

    def test_the_cdk_example_deploys_the_archive(self):
        if not (NAG / "node_modules").exists():
            self.skipTest("the CDK is not installed: run .ci/run once")
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        with zipfile.ZipFile(io.BytesIO(self.release())) as archive:
            archive.extractall(folder / "release")
        context = {"release": str(folder / "release"), "operatorKeyHashes": "0" * 64, "mailFrom": "reports@example.com"}
        environment = {**os.environ, "CDK_HOME": str(NAG), "CDK_OUTDIR": str(folder / "out"), "CDK_CONTEXT_JSON": json.dumps(context)}
        subprocess.run(["node", FOLDER / "examples/cdk/app.mjs"], env=environment, check=True, capture_output=True)
        (nested,) = (folder / "out").glob("*Application*.nested.template.json")
        functions = [r for r in json.loads(nested.read_text())["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
        uploaded = {path.name for path in (folder / "out").glob("asset.*.zip")}
        self.assertEqual(len(uploaded), len(FUNCTIONS))
        self.assertEqual({"asset." + function["Properties"]["CodeUri"]["Key"] for function in functions}, uploaded)

    def test_without_a_rust_target_it_makes_nothing_and_names_the_command(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "rustup").write_text("#!/bin/sh\n")
        (folder / "rustup").chmod(0o755)
        command = [sys.executable, ROOT / ".ci/release", folder / "out"]
        done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("rustup target add aarch64-unknown-linux-gnu", done.stderr)
        self.assertFalse((folder / "out").exists())

    def test_the_same_programs_give_the_same_archive(self):
        self.assertEqual(self.release(), self.release())


if __name__ == "__main__":
    unittest.main()
