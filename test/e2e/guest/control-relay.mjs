// The daemon's control socket, as TCP for the host.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

createServer((outside) => {
  const inside = connect('/state/control.sock');
  outside.pipe(inside).pipe(outside);
  outside.on('error', () => inside.destroy());
  inside.on('error', () => outside.destroy());
}).listen(7000);

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
};

createServer((outside) => {
  outside.on('error', () => undefined);
  createInterface({ input: outside }).once('line', (line) => {
    outside.end(`${answers[line]?.()}\n`);
  });
}).listen(7001);
