/** The page for demonstration and support: devices and calls as they change, and a call to make. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>offhook-cti</title>
<link rel="stylesheet" href="/page.css">
<header><h1>offhook-cti</h1>
<form id="login"><label for="token">Token</label>
<input id="token" type="password" autocomplete="off" required>
<button>Connect</button> <output id="state" for="token" role="status">not connected</output></form></header>
<main hidden>
<form id="dial"><label for="device">Device</label> <select id="device" required></select>
<label for="to">calls</label> <input id="to" required maxlength="64" autocomplete="off"
 pattern="[0-9A-Za-z*#+._\\-]{1,64}" title="letters, digits and * # + . _ -">
<button>Call</button> <output id="result" role="status"></output></form>
<section aria-labelledby="calls-title"><h2 id="calls-title">Calls</h2>
<table id="calls"><thead><tr><th scope="col">Call<th scope="col">Device<th scope="col">Party
<th scope="col">State<th scope="col">Since<th scope="col"><span class="unseen">What to do</span>
<tbody></table><p class="none">No calls.</p></section>
<section aria-labelledby="devices-title"><h2 id="devices-title">Devices</h2>
<table id="devices"><thead><tr><th scope="col">Device<th scope="col">State<th scope="col">Features
<tbody></table></section>
</main>
<script type="module" src="/page.js"></script>
`;

const style = `
:root { color-scheme: light dark; --line: #8884; --quiet: #667; --accent: #087443 }
@media (prefers-color-scheme: dark) { :root { --quiet: #9ab; --accent: #3d9 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem 1.5rem }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem }
form { margin: .4rem 0 } input, select, button { font: inherit; padding: .15rem .5rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line) }
th { color: var(--quiet); font-weight: 600 }
output, .none, .away { color: var(--quiet) }
.connected td:nth-child(4) { color: var(--accent); font-weight: 600 }
td:nth-child(5), button { white-space: nowrap }
table:has(tbody tr) + .none { display: none }
.unseen { position: absolute; clip-path: inset(50%) }
`;

const script = `
const $ = (id) => document.getElementById(id);
const devices = new Map();
const connections = new Map();
let socket;
let at;
let nextId = 1;
const waiting = new Map();

function call(method, params) {
  return new Promise((resolve, reject) => {
    const id = nextId++;
    waiting.set(id, { resolve, reject });
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
}

function connect(token) {
  socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/v1/rpc');
  socket.onopen = async () => {
    try {
      const { name } = await call('authenticate', { token });
      const start = await call('subscribe', at === undefined ? {} : { since: at });
      if (!start.resumed) {
        devices.clear();
        connections.clear();
        for (const one of start.snapshot.devices) devices.set(one.id, one);
        for (const one of start.snapshot.connections) connections.set(one.id, one);
      }
      at = { epoch: start.epoch, seq: start.seq };
      $('state').textContent = 'connected as ' + name;
      document.querySelector('main').hidden = false;
      draw();
    } catch (error) {
      token = undefined;
      $('state').textContent = error.message;
      socket.close();
    }
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === 'event') return take(message.params);
    const one = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) one?.reject(new Error(message.error.message));
    else one?.resolve(message.result);
  };
  socket.onclose = () => {
    for (const one of waiting.values()) one.reject(new Error('not connected'));
    waiting.clear();
    if (token === undefined) return;
    $('state').textContent = 'not connected; trying again';
    setTimeout(() => connect(token), 1000);
  };
}

function take({ seq, event, call: now }) {
  at.seq = seq;
  if (event.type === 'deviceRemoved') devices.delete(event.device.id);
  else if (event.device) devices.set(event.device.id, event.device);
  for (const one of event.moved ?? []) connections.set(one.id, one);
  if (event.connection?.state === 'null') connections.delete(event.connection.id);
  if (now) {
    for (const one of connections.values()) if (one.call === now.id) connections.delete(one.id);
    for (const one of now.connections) connections.set(one.id, one);
  }
  draw();
}

function row(cells, className) {
  const tr = document.createElement('tr');
  tr.className = className;
  for (const cell of cells) {
    const td = document.createElement('td');
    td.append(cell);
    tr.append(td);
  }
  return tr;
}

function button(text, method, params) {
  const one = document.createElement('button');
  one.textContent = text;
  one.onclick = () => ask(method, params);
  return one;
}

async function ask(method, params) {
  $('result').textContent = '…';
  try {
    await call(method, params);
    $('result').textContent = 'done';
  } catch (error) {
    $('result').textContent = error.message;
  }
}

function features(device) {
  const words = [];
  if (device.doNotDisturb) words.push('do not disturb');
  for (const one of device.forwarding ?? []) words.push('forwarded to ' + one.to);
  if (device.messageWaiting) words.push('message waiting');
  for (const one of device.agent ?? []) words.push(one.state + ' in ' + one.queue);
  return words.join(', ');
}

function who({ name, number }) {
  return [name, number].filter((word, at, all) => word && all.indexOf(word) === at).join(' · ');
}

function draw() {
  const list = [...devices.values()].sort((a, b) => a.id.localeCompare(b.id));
  $('devices').tBodies[0].replaceChildren(...list.map((one) =>
    row([one.id, one.inService ? 'in service' : 'out of service', features(one)], one.inService ? '' : 'away')));
  const chosen = $('device').value;
  $('device').replaceChildren(...list.filter((one) => one.capabilities.includes('makeCall')).map((one) =>
    new Option(one.id, one.id, false, one.id === chosen)));
  const calls = [...connections.values()].sort((a, b) => a.call.localeCompare(b.call) || a.since - b.since);
  $('calls').tBodies[0].replaceChildren(...calls.map((one) =>
    row([one.call, one.device ?? '', who(one.party), one.state, new Date(one.since).toLocaleTimeString(),
      one.device === undefined ? '' : button('Hang up', 'clearConnection', { connection: one.id })], one.state)));
}

$('login').onsubmit = (event) => {
  event.preventDefault();
  connect($('token').value);
};
$('dial').onsubmit = (event) => {
  event.preventDefault();
  void ask('makeCall', { device: $('device').value, to: $('to').value });
};
`;

/** The files that the page loads, by path. */
export const pageParts: Readonly<Record<string, { readonly type: string; readonly text: string }>> =
  {
    '/page.css': { type: 'text/css', text: style },
    '/page.js': { type: 'text/javascript', text: script },
  };
