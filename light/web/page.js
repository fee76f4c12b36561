'use strict';

// The token comes in the fragment, which is never sent; from then on it lives in this tab alone.
const given = location.hash.slice(1);
if (given) {
  sessionStorage.setItem('token', given);
  history.replaceState(null, '', location.pathname);
}
const token = sessionStorage.getItem('token') || '';
const byId = id => document.getElementById(id);

let wallet = null;   // the wallet that is shown; null: none is loaded
let locked = false;
let draft = null;    // the payment in the preview: {psbt} as it will be signed, or {hex} where it is signed already
let lost = false;    // the last look at the wallet failed

async function post(path, type, body) {
  let response;
  try {
    response = await fetch(path, {method: 'POST', headers: {'Authorization': 'Bearer ' + token, 'Content-Type': type}, body, cache: 'no-store'});
  } catch {
    throw new Error('cairn-light does not answer. Is it still running?');
  }
  if (response.status === 401 || response.status === 403) throw new Error(await response.text());
  return response;
}

// Amounts stay text: numbers with a fraction become strings before anything counts with them.
function parseReply(text) {
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d+\.\d+(?:[eE][+-]?\d+)?/g, part => part[0] === '"' ? part : '"' + part + '"'));
}

async function call(method, params = {}, forWallet = true) {
  const path = forWallet && wallet !== null ? '/rpc/wallet/' + encodeURIComponent(wallet) : '/rpc';
  const response = await post(path, 'application/json', JSON.stringify({jsonrpc: '2.0', id: 1, method, params}));
  const reply = parseReply(await response.text());
  if (reply.error && reply.error.message.startsWith('Fee estimation failed')) {
    throw new Error('No fee rate is known yet. Choose “My own rate” under Fee.');
  }
  if (reply.error) throw Object.assign(new Error(reply.error.message), {code: reply.error.code});
  return reply.result;
}

// Bitcoins as text, and satoshis as BigInt.
function satoshis(text) {
  const match = /^(-?)(\d{1,8})(?:\.(\d{1,8}))?$/.exec(String(text).trim());
  if (!match) throw new Error('"' + text + '" is no amount of bitcoins, such as 0.015');
  const size = BigInt(match[2]) * 100000000n + BigInt((match[3] || '').padEnd(8, '0'));
  return match[1] ? -size : size;
}
function bitcoins(amount) {
  const size = amount < 0n ? -amount : amount;
  return (amount < 0n ? '−' : '') + size / 100000000n + '.' + String(size % 100000000n).padStart(8, '0');
}
// What comes in JSON may lack the fraction.
const amountOf = value => satoshis(typeof value === 'number' ? value.toFixed(8) : value);

function showTrouble(error) {
  byId('trouble').textContent = error ? error.message : '';
  byId('trouble').hidden = !error;
}

// Runs what a button does; until it is done the button rests.
async function act(button, work) {
  button.disabled = true;
  showTrouble(null);
  try {
    await work();
  } catch (error) {
    showTrouble(error);
  } finally {
    button.disabled = false;
  }
}

async function chooseWallets() {
  const names = await call('listwallets', {}, false);
  const list = byId('wallet');
  const shown = [...list.options].map(option => option.value);
  if (names.length !== shown.length || names.some((name, i) => name !== shown[i])) {
    list.replaceChildren(...names.map(name => new Option(name === '' ? '(unnamed)' : name, name)));
  }
  if (!names.includes(wallet)) wallet = names.length ? names[0] : null;
  if (wallet !== null) list.value = wallet;
  list.hidden = wallet === null;
  for (const part of document.querySelectorAll('main > :not(#trouble)')) part.hidden = wallet === null;
  if (wallet === null) throw new Error('No wallet is loaded. Make one in a terminal: cairn-light init');
}

function stateOf(entry) {
  if (entry.abandoned) return 'abandoned';
  if (entry.confirmations < 0) return 'conflicted';
  if (entry.category === 'immature') return 'mined, not yet spendable';
  if (entry.confirmations === 0) return 'waiting';
  return entry.confirmations + (entry.confirmations === 1 ? ' confirmation' : ' confirmations');
}

function cell(text, kind) {
  const td = document.createElement('td');
  td.textContent = text;
  if (kind) td.className = kind;
  return td;
}

function showEntries(entries) {
  byId('entries').replaceChildren(...entries.slice().reverse().map(entry => {
    const row = document.createElement('tr');
    row.append(cell(new Date(entry.time * 1000).toLocaleString()), cell(bitcoins(amountOf(entry.amount)), 'number'), cell(stateOf(entry)),
               cell(entry.label || entry.silent_payment_address || entry.address || ''));
    row.title = entry.txid;
    return row;
  }));
  byId('no-entries').hidden = entries.length > 0;
}

function showProgress(chain, info) {
  const bar = byId('progress');
  const scanning = info.scanning && typeof info.scanning === 'object';
  const behind = chain.initialblockdownload;
  bar.hidden = !scanning && !behind;
  if (scanning) bar.value = Number(info.scanning.progress);
  else if (behind) bar.value = Number(chain.verificationprogress);
  byId('progress-text').textContent =
    scanning ? 'Old blocks are being looked at: ' + (100 * Number(info.scanning.progress)).toFixed(1) + ' %. More payments may appear.'
    : behind ? 'Catching up with the chain: ' + chain.blocks + ' of ' + chain.headers + ' blocks. More payments may appear.'
    : 'Up to date with block ' + chain.blocks + '.';
  byId('network').textContent = chain.chain === 'main' ? '' : 'network: ' + chain.chain;
}

async function refresh() {
  await chooseWallets();
  const [balances, info, chain, entries] = await Promise.all([
    call('getbalances'), call('getwalletinfo'), call('getblockchaininfo', {}, false), call('listtransactions', {label: '*', count: 50})]);
  locked = info.unlocked_until !== undefined && Number(info.unlocked_until) === 0;
  showPassphrases();
  const pending = amountOf(balances.mine.untrusted_pending) + amountOf(balances.mine.immature);
  byId('trusted').textContent = bitcoins(amountOf(balances.mine.trusted));
  byId('pending').textContent = 'and ' + bitcoins(pending) + ' BTC on its way';
  byId('pending').hidden = pending === 0n;
  showProgress(chain, info);
  showEntries(entries);
}

function drawQr(rows) {
  const margin = 4, size = rows.length + 2 * margin;
  let path = '';
  rows.forEach((row, y) => [...row].forEach((bit, x) => { if (bit === '1') path += `M${x + margin} ${y + margin}h1v1h-1z`; }));
  const svg = byId('qr');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  shape.setAttribute('fill', '#000');
  svg.replaceChildren(shape);
}

async function receive() {
  const label = byId('label').value.trim();
  const wanted = byId('wanted').value.trim();
  const amount = wanted ? satoshis(wanted) : 0n;
  const address = await call('getnewaddress', {label, address_type: byId('type').value});
  const extras = [];
  if (amount > 0n) extras.push('amount=' + bitcoins(amount));
  if (label) extras.push('label=' + encodeURIComponent(label));
  const uri = 'bitcoin:' + address + (extras.length ? '?' + extras.join('&') : '');
  drawQr(await (await post('/qr', 'text/plain', uri)).json());
  byId('address').textContent = address;
  byId('received').hidden = false;
}

function feeChoice() {
  const choice = byId('fee').value;
  if (choice !== 'rate') return {conf_target: Number(choice)};
  const rate = byId('rate').value.trim();
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(rate)) throw new Error('A fee rate is a number such as 2.5');
  return {fee_rate: rate};
}

// Does it begin like a silent payment address? Such a payment depends on the keys of the coins that it spends.
const isSilent = address => /^(sp|tsp|sprt)1/i.test(address);

// The passphrase is asked for where keys are needed: before the preview of a silent payment, after that of any other.
function showPassphrases() {
  byId('early-label').hidden = !(locked && isSilent(byId('to').value.trim()));
  byId('passphrase-label').hidden = !(locked && draft && !draft.hex);
}

// Runs work that needs keys; a wallet that was locked is locked again.
async function unlocked(field, work) {
  const wasLocked = locked;
  if (wasLocked) {
    const passphrase = byId(field).value;
    byId(field).value = '';
    await call('walletpassphrase', {passphrase, timeout: 60});
  }
  try {
    return await work();
  } finally {
    if (wasLocked) await call('walletlock');
  }
}

function amountToSend() {
  const amount = satoshis(byId('amount').value);
  if (amount <= 0n) throw new Error('The amount must be above zero');
  return bitcoins(amount);
}

async function makeDraft(to) {
  const options = feeChoice();
  if (isSilent(to)) {
    const keep = {...options, add_to_wallet: false};
    const made = await unlocked('early', () => byId('all').checked ? call('sendall', {recipients: [to], options: keep})
                                                                   : call('send', {outputs: [{[to]: amountToSend()}], options: keep}));
    if (!made.complete) throw new Error('This wallet alone cannot sign the payment');
    return made;
  }
  if (byId('all').checked) return {psbt: (await call('sendall', {recipients: [to], options: {...options, add_to_wallet: false, psbt: true}})).psbt};
  return {psbt: (await call('walletcreatefundedpsbt', {inputs: [], outputs: [{[to]: amountToSend()}], options, psbt_version: 0})).psbt};
}

// "bitcoin:<address>?amount=0.1" as QR codes and links have it.
function takeUri() {
  const text = byId('to').value.trim();
  if (!/^bitcoin:/i.test(text)) return;
  const [address, query] = text.slice(8).split('?');
  const extras = new URLSearchParams(query || '');
  for (const key of extras.keys()) {
    if (key.startsWith('req-')) throw new Error('The link asks for something that this page does not know: ' + key);
  }
  byId('to').value = address;
  if (extras.get('amount') && !byId('all').checked) byId('amount').value = extras.get('amount');
}

async function preview() {
  takeUri();
  const to = byId('to').value.trim();
  let script = null;
  if (!isSilent(to)) {
    const checked = await call('validateaddress', {address: to}, false);
    if (!checked.isvalid) throw new Error(checked.error || 'That is no address');
    script = checked.scriptPubKey;
  }
  const made = await makeDraft(to);
  // The numbers are read off the draft itself: what is shown is what will be signed.
  const decoded = await call('decodepsbt', {psbt: made.psbt}, false);
  const silent = (made.silent_payments || []).map(one => one.vout);
  let paid = 0n, change = 0n;
  for (const output of decoded.tx.vout) {
    if (output.scriptPubKey.hex === script || silent.includes(output.n)) paid += amountOf(output.value);
    else change += amountOf(output.value);
  }
  const fee = amountOf(decoded.fee);
  byId('p-paid').textContent = bitcoins(paid) + ' BTC';
  byId('p-to').textContent = to;
  byId('p-fee').textContent = bitcoins(fee) + ' BTC';
  byId('p-total').textContent = bitcoins(paid + fee) + ' BTC';
  byId('p-change').textContent = change > 0n ? bitcoins(change) + ' BTC' : 'nothing';
  draft = made;
  showStep('preview');
}

function showStep(step) {
  byId('send-form').hidden = step !== 'form';
  byId('preview').hidden = step !== 'preview';
  byId('sent').hidden = step !== 'sent';
  if (step === 'sent') byId('send-form').hidden = false;
  if (step !== 'preview') draft = null;
  showPassphrases();
}

async function confirmDraft() {
  const made = draft;
  const done = made.hex ? made : await unlocked('passphrase', () => call('walletprocesspsbt', {psbt: made.psbt}));
  if (!done.complete) throw new Error('This wallet alone cannot sign the payment');
  const txid = await call('sendrawtransaction', {hexstring: done.hex}, false);
  byId('sent-id').textContent = txid;
  byId('send-form').reset();
  byId('rate-label').hidden = true;
  byId('amount').disabled = false;
  showStep('sent');
  await refresh();
}

function begin() {
  byId('receive-form').addEventListener('submit', event => {
    event.preventDefault();
    act(event.submitter, receive);
  });
  byId('send-form').addEventListener('submit', event => {
    event.preventDefault();
    byId('sent').hidden = true;
    act(event.submitter, preview);
  });
  byId('confirm').addEventListener('click', event => act(event.target, confirmDraft));
  byId('cancel').addEventListener('click', () => showStep('form'));
  byId('copy').addEventListener('click', event => act(event.target, () => navigator.clipboard.writeText(byId('address').textContent)));
  byId('fee').addEventListener('change', event => { byId('rate-label').hidden = event.target.value !== 'rate'; });
  byId('to').addEventListener('input', showPassphrases);
  byId('all').addEventListener('change', event => { byId('amount').disabled = event.target.checked; });
  byId('wallet').addEventListener('change', event => {
    wallet = event.target.value;
    showStep('form');
    byId('received').hidden = true;
    refresh().catch(showTrouble);
  });
  let running = false;
  const tick = async () => {
    if (running || document.hidden) return;
    running = true;
    try {
      await refresh();
      if (lost) showTrouble(null);
      lost = false;
    } catch (error) {
      lost = true;
      showTrouble(error);
    } finally {
      running = false;
    }
  };
  tick();
  setInterval(tick, 5000);
}

if (token) begin();
else showTrouble(new Error('The page\'s address is incomplete: open the one that cairn-light gave.'));
