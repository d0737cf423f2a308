// npm start [-- --headless]: the phone, ready to dial, with everything it needs around it.
import { parseArgs } from 'node:util';

import { describeError } from '@offhook/common';

import { runDeskHeadless } from './desk/headless.ts';
import { runHeadless } from './headless.ts';
import { runInteractive } from './interactive.ts';

const USAGE = `usage: npm start [-- OPTION]

Starts a small PBX, an engine and the phone on this machine, and opens the phone's user interface:
dial echo, music, busy or nobody.

  --headless   calls echo by itself, tells what came back, and ends
  --desk       with a simulated phone on the desk, which is used: dial bob, carol, busy, nobody or callme
  --help       this text`;

const { values } = parseArgs({
  options: {
    headless: { type: 'boolean' },
    desk: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

const stop = new AbortController();
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + number;
    stop.abort(new Error(`stopped by ${signal}`));
  });
}

if (values.help === true) {
  console.log(USAGE);
} else {
  try {
    const { desk } = values;
    const good =
      values.headless !== true
        ? await runInteractive(stop.signal, { desk })
        : await (desk ? runDeskHeadless : runHeadless)(stop.signal);
    if (!good) process.exitCode ??= 1;
  } catch (error) {
    console.error(`demo: ${describeError(error)}`);
    process.exitCode ??= 1;
  }
}
