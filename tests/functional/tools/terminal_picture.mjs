// Draws what a terminal showed, with its colours, as a picture.
//
//   node terminal_picture.mjs <file with the text> <picture.png>
//
// Needs playwright-core (npm, in the working folder) and a Chromium, at CHROMIUM or /usr/bin/chromium.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const {chromium} = createRequire(process.cwd() + '/')('playwright-core');
const [source, picture] = process.argv.slice(2);

const escape = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const lines = readFileSync(source, 'utf8').trimEnd().split('\n').map(line => {
  // The only colours are those of QR codes.
  if (line.includes('\x1b[37;40;1m')) return '<div class="qr">' + escape(line.replace(/\x1b\[[0-9;]*m/g, '')) + '</div>';
  const plain = escape(line.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')) || ' ';
  return '<div class="' + (plain.startsWith('$ ') ? 'typed' : '') + '">' + plain + '</div>';
}).join('');
const html = `<meta charset="utf-8"><style>
body { margin: 0; padding: 14px 18px; width: max-content; background: #1d1f21; color: #d0d4d8; font: 13px/16px "DejaVu Sans Mono", monospace; white-space: pre; }
.typed { color: #8fd19e; font-weight: bold; }
.qr { display: block; width: max-content; color: #fff; background: #000; line-height: 15px; font-size: 13px; }
</style>${lines}`;

const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox']});
const page = await browser.newPage();
await page.setContent(html);
await (await page.$('body')).screenshot({path: picture});
await browser.close();
