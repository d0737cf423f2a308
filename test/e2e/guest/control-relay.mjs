// The daemon's control socket, as TCP for the host.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

createServer((outside) => {
  const inside = connect('/state/control.sock');
  outside.pipe(inside).pipe(outside);
  outside.on('error', () => inside.destroy());
  inside.on('error', () => outside.destroy());
}).listen(7000);

const DRAWING_MS = 200;
/** Of a VGA text screen: red, green, blue. */
const COLOURS = [1, 2, 4];
let drawing;

/** What the host may ask for, by a word. */
const answers = {
  // As a crash would.
  kill: () => {
    process.kill(Number(readFileSync('/run/daemon.pid', 'utf8')), 'SIGKILL');
    return 'killed';
  },
  // A program that the image was given; what it prints.
  program: () => execFileSync(process.execPath, ['/app/program.js'], { encoding: 'utf8' }).trim(),
  // How often the sound card has run dry or over.
  xruns: () => (readFileSync('/run/sound.log', 'utf8').match(/xrun recovery/g) ?? []).length,
  // The whole screen in another colour all the time, so that a viewer always has something to draw.
  draw: () => {
    answers.rest();
    let turn = 0;
    drawing = setInterval(() => {
      turn += 1;
      writeFileSync('/dev/tty1', `\x1b[4${COLOURS[turn % COLOURS.length]}m\x1b[2J\x1b[H${turn}`);
    }, DRAWING_MS);
    return 'done';
  },
  rest: () => {
    clearInterval(drawing);
    return 'done';
  },
};

createServer((outside) => {
  outside.on('error', () => undefined);
  createInterface({ input: outside }).once('line', (line) => {
    outside.end(`${answers[line]?.()}\n`);
  });
}).listen(7001);
