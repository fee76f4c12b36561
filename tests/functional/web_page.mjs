// Uses the wallet's page as a person would, in a headless browser: receives, previews, sends, and is refused without the token.
//
//   node web_page.mjs <file with the page's address> <address to pay> <passphrase, or ""> [folder for pictures]
//
// Needs playwright-core (npm) and a Chromium, at CHROMIUM or /usr/bin/chromium. The wallet has something to spend.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const {chromium} = createRequire(process.cwd() + '/')('playwright-core');
const [addressFile, payee, passphrase, pictures] = process.argv.slice(2);
const address = readFileSync(addressFile, 'utf8').trim();
const origin = new URL(address).origin;

function expect(condition, what) {
  if (!condition) throw new Error('not so: ' + what);
  console.log('ok: ' + what);
}

const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox']});
const page = await browser.newPage({viewport: {width: 1000, height: 1100}});
page.setDefaultTimeout(10_000);
const outside = [], complaints = [];
page.on('request', request => { if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) outside.push(request.url()); });
page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()); });
page.on('pageerror', error => complaints.push(String(error)));

try {
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById('trusted').textContent !== '…');
  expect(page.url() === origin + '/', 'the token is gone from the address bar');
  expect(Number(await page.textContent('#trusted')) > 0, 'the balance is shown');
  expect((await page.textContent('#progress-text')).startsWith('Up to date with block'), 'how far the scan is is shown');

  await page.fill('#label', 'Rent <b>May</b>');
  await page.fill('#wanted', '0.25');
  await page.click('#receive-form button');
  await page.waitForSelector('#received:not([hidden])');
  expect(/^(bc|tb|bcrt)1q/.test(await page.textContent('#address')), 'there is an address');
  expect(await page.locator('#qr path').count() === 1, 'there is a QR code');
  if (pictures) await page.screenshot({path: pictures + '/page-receive.png'});

  await page.fill('#to', 'nonsense');
  await page.fill('#amount', '0.05');
  await page.click('#send-form button');
  await page.waitForSelector('#trouble:not([hidden])');
  expect(await page.isHidden('#preview'), 'a wrong address has no preview');

  await page.fill('#to', payee);
  await page.selectOption('#fee', 'rate');
  await page.fill('#rate', '4');
  await page.click('#send-form button');
  await page.waitForSelector('#preview:not([hidden])');
  expect(await page.textContent('#p-paid') === '0.05000000 BTC', 'the preview shows what is paid');
  expect(/^0\.0000\d{4} BTC$/.test(await page.textContent('#p-fee')), 'and the fee');
  if (pictures) await page.screenshot({path: pictures + '/page-send.png'});
  await page.click('#cancel');
  expect(await page.isHidden('#preview') && await page.isHidden('#sent'), 'cancelling sends nothing');

  await page.click('#send-form button');
  await page.waitForSelector('#preview:not([hidden])');
  if (passphrase) await page.fill('#passphrase', passphrase);
  await page.click('#confirm');
  await page.waitForSelector('#sent:not([hidden])');
  const txid = await page.textContent('#sent-id');
  expect(/^[0-9a-f]{64}$/.test(txid), 'it is sent: ' + txid);
  await page.waitForFunction(id => [...document.querySelectorAll('#entries tr')].some(row => row.title === id), txid);
  expect(true, 'it is in the history');
  if (pictures) await page.screenshot({path: pictures + '/page-history.png'});

  expect(outside.length === 0, 'nothing was asked of anybody else');
  const stranger = await browser.newPage();
  await stranger.goto(origin + '/');
  await stranger.waitForSelector('#trouble:not([hidden])');
  expect((await stranger.textContent('#trouble')).includes('incomplete'), 'without the token there is nothing to see');
  const answer = await stranger.evaluate(async () => (await fetch('/rpc', {method: 'POST', headers: {'Content-Type': 'application/json', 'Authorization': 'Bearer x'}, body: '{"method":"listwallets"}'})).status);
  expect(answer === 401, 'nor with a wrong one');
  expect(complaints.length === 0, 'the browser complained of nothing: ' + complaints.join('; '));
} catch (error) {
  console.log('the page says: ' + await page.textContent('#trouble'));
  throw error;
} finally {
  await browser.close();
}
