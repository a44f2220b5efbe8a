// Unpacks the Chromium that the package @sparticuz/chromium carries, with its libraries and fonts. The stack's crate runs this
// once, after `npm ci`.
//
// The package unpacks into TMPDIR. Unpacking in each test instead would be a race: the scripts run side by side, and the
// package takes a half-written file for Chromium.
//
// BROWSER_TOOLS names the folder with the packages of package.json.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const packages = `${process.env.BROWSER_TOOLS}/node_modules`;

// The package reads this variable to decide whether the machine lacks Chromium's libraries.
process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x';
const chromium = createRequire(`${packages}/`)('@sparticuz/chromium');
await chromium.executablePath();

// Only these fonts, so that a page looks the same on every machine. The package itself has none for Korean.
writeFileSync(`${process.env.TMPDIR}/fonts.conf`, `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${process.env.TMPDIR}/fonts</dir>
  <dir>${packages}/@expo-google-fonts</dir>
  <cachedir>${process.env.TMPDIR}/fonts-cache</cachedir>
</fontconfig>
`);
