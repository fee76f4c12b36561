// Uses the wallet's page as a person would, in a headless browser.
//
//   node web_page.mjs <file with the page's address> <step> <address to pay> <passphrase, or ""> <silent payment address> [folder for pictures]
//
// Steps: pay (receive, refusals, preview, send, a silent payment, no token), look (confirmed payments, a narrow and a dark screen), all
// (send all there is), none (a client without a wallet).
// Needs playwright-core (npm, in the working folder) and a Chromium, at CHROMIUM or /usr/bin/chromium. The wallet has something to spend.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const {chromium} = createRequire(process.cwd() + '/')('playwright-core');
const [addressFile, step, payee, passphrase, silent, pictures] = process.argv.slice(2);
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

const photo = name => pictures ? page.screenshot({path: pictures + '/' + name + '.png', fullPage: name === 'history'}) : null;
const isShown = selector => page.waitForSelector(selector + ':not([hidden])');
const inHistory = (txid, state) => page.waitForFunction(([id, wanted]) => [...document.querySelectorAll('#entries tr')].some(
  row => row.title === id && row.textContent.includes(wanted)), [txid, state]);

async function open() {
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById('trusted').textContent !== '…');
}

async function trouble() {
  await isShown('#trouble');
  return page.textContent('#trouble');
}

// Fills in the form and asks for the preview.
async function ask(to, amount, rate) {
  await page.fill('#to', to);
  if (amount === 'all') await page.check('#all');
  else await page.fill('#amount', amount);
  await page.selectOption('#fee', 'rate');
  await page.fill('#rate', rate);
  await page.click('#send-form button');
}

async function confirm(secret) {
  if (secret) await page.fill('#passphrase', secret);
  await page.click('#confirm');
}

async function sentId() {
  await isShown('#sent');
  const txid = await page.textContent('#sent-id');
  expect(/^[0-9a-f]{64}$/.test(txid), 'it is sent: ' + txid);
  return txid;
}

async function receive() {
  await page.fill('#label', 'Rent <b>May</b>');
  await page.fill('#wanted', '0.25');
  await page.click('#receive-form button');
  await isShown('#received');
  expect(/^(bc|tb|bcrt)1q/.test(await page.textContent('#address')), 'there is an address');
  expect(await page.locator('#qr path').count() === 1, 'there is a QR code');
}

async function refusals() {
  for (const [to, amount, reason] of [['nonsense', '0.05', ''], [payee, '0', 'above zero'], [payee, '1,5', 'no amount'], [payee, '20000000', 'nsufficient'],
                                      [payee, '0.00000100', 'too small'], ['sp1' + silent.slice(4), '0.05', 'nvalid']]) {
    await ask(to, amount, '4');
    // A silent payment asks for the passphrase first.
    if (passphrase && to.startsWith('sp1')) {
      await page.fill('#early', passphrase);
      await page.click('#send-form button');
    }
    await page.waitForFunction(part => document.getElementById('trouble').textContent.includes(part) && !document.getElementById('trouble').hidden, reason);
    expect(await page.isHidden('#preview'), 'no preview for ' + to.slice(0, 12) + '…, ' + amount + ': ' + await page.textContent('#trouble'));
  }
  await ask(payee, '0.05', 'quick');
  expect((await trouble()).includes('number such as'), 'a fee rate is a number');
}

async function pay() {
  await open();
  expect(page.url() === origin + '/', 'the token is gone from the address bar');
  expect(Number(await page.textContent('#trusted')) > 0, 'the balance is shown');
  expect((await page.textContent('#progress-text')).startsWith('Up to date with block'), 'how far the scan is is shown');
  await receive();
  await refusals();

  await ask('bitcoin:' + payee + '?amount=0.05&label=Shop', '1', '4');
  await isShown('#preview');
  expect(await page.textContent('#p-paid') === '0.05000000 BTC', 'the preview shows what is paid, as the link says');
  expect(await page.textContent('#p-to') === payee, 'and to whom');
  expect(/^0\.0000\d{4} BTC$/.test(await page.textContent('#p-fee')), 'and the fee');
  await photo('send');
  await page.click('#cancel');
  expect(await page.isHidden('#preview') && await page.isHidden('#sent'), 'cancelling sends nothing');

  await page.click('#send-form button');
  await isShown('#preview');
  if (passphrase) {
    await confirm('wrong');
    expect((await trouble()).includes('passphrase'), 'a wrong passphrase sends nothing');
    expect(await page.isVisible('#preview'), 'and it can be typed again');
  }
  await confirm(passphrase);
  await inHistory(await sentId(), 'waiting');
  expect(true, 'it is in the history');

  await page.fill('#to', silent);
  expect(await page.isVisible('#early') === Boolean(passphrase), 'a silent payment asks for the passphrase first');
  if (passphrase) await page.fill('#early', passphrase);
  await ask(silent, '0.02', '3');
  await isShown('#preview');
  expect(await page.textContent('#p-paid') === '0.02000000 BTC' && await page.textContent('#p-to') === silent, 'its preview says what was asked for');
  expect(await page.isHidden('#passphrase-label'), 'and nothing more is asked');
  await confirm();
  await inHistory(await sentId(), 'waiting');

  const stranger = await browser.newPage();
  await stranger.goto(origin + '/');
  await stranger.waitForSelector('#trouble:not([hidden])');
  expect((await stranger.textContent('#trouble')).includes('incomplete'), 'without the token there is nothing to see');
  const answer = await stranger.evaluate(async () => (await fetch('/rpc', {method: 'POST', headers: {'Content-Type': 'application/json', 'Authorization': 'Bearer x'}, body: '{"method":"listwallets"}'})).status);
  expect(answer === 401, 'nor with a wrong one');
}

async function look() {
  await open();
  await page.waitForFunction(() => [...document.querySelectorAll('#entries tr')].filter(row => row.textContent.includes('1 confirmation')).length >= 2);
  expect(true, 'both payments are confirmed');
  await receive();
  await photo('history');
  await page.setViewportSize({width: 360, height: 900});
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is cut off on a narrow screen');
  await photo('narrow');
  await page.setViewportSize({width: 1000, height: 1100});
  await page.emulateMedia({colorScheme: 'dark'});
  const [text, ground] = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.documentElement).colorScheme]);
  expect(text === 'rgb(255, 255, 255)' && ground.includes('dark'), 'it is dark where people want that');
  await photo('dark');
}

async function all() {
  await open();
  const balance = await page.textContent('#trusted');
  await ask(payee, 'all', '4');
  await isShown('#preview');
  expect(await page.textContent('#p-total') === balance + ' BTC', 'all there is leaves the wallet');
  expect(await page.textContent('#p-change') === 'nothing', 'and nothing comes back');
  await confirm(passphrase);
  await inHistory(await sentId(), 'waiting');
}

async function none() {
  await page.goto(address);
  expect((await trouble()).includes('cairn-light init'), 'without a wallet the page says how to make one');
  expect(await page.isHidden('#send-form') && await page.isHidden('#receive-form') && await page.isHidden('#history'), 'and shows nothing else');
}

try {
  await ({pay, look, all, none})[step]();
  expect(outside.length === 0, 'nothing was asked of anybody else');
  expect(complaints.length === 0, 'the browser complained of nothing: ' + complaints.join('; '));
} catch (error) {
  console.log('the page says: ' + await page.textContent('#trouble'));
  throw error;
} finally {
  await browser.close();
}
