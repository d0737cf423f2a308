import { spawn } from 'node:child_process';

/** How often a line of progress is printed where there is no terminal, milliseconds. */
const QUIET_INTERVAL_MS = 15_000;

/** A failure whose message is all that a person needs; shown without a stack trace. */
export class SetupError extends Error {}

/** Prints one line of set-up. */
export function say(/** @type {string} */ text) {
  clearStatus();
  process.stderr.write(`${text}\n`);
}

/** @type {Map<string, {startedAt: number, last: string}>} */
const active = new Map();
let statusShown = false;
/** @type {NodeJS.Timeout | undefined} */
let timer;

/**
 * Runs a command, showing that it lives: its last line of output on a terminal, a line every 15 s
 * elsewhere. Its output is shown only when it fails.
 *
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv}} [options]
 * @returns {Promise<void>}
 */
export async function runQuietly(title, command, args, options = {}) {
  const task = { startedAt: Date.now(), last: '' };
  active.set(title, task);
  say(`setup: ${title} …`);
  timer ??= setInterval(showStatus, process.stderr.isTTY ? 250 : QUIET_INTERVAL_MS);
  /** @type {string[]} */
  const tail = [];
  try {
    const status = await new Promise((resolve, reject) => {
      const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      const take = (/** @type {Buffer} */ chunk) => {
        const lines = chunk
          .toString()
          .split(/[\r\n]+/)
          .filter((line) => line.trim() !== '');
        tail.push(...lines);
        tail.splice(0, Math.max(0, tail.length - 60));
        task.last = tail.at(-1) ?? '';
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? signal));
    });
    if (status !== 0) throw new Error(`ended with ${status}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      [...tail, `setup: ${title}: ${[command, ...args].join(' ')}: ${reason}`].join('\n'),
    );
  } finally {
    active.delete(title);
    if (active.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }
  say(`setup: ${title}: done in ${seconds(task.startedAt)}`);
}

function showStatus() {
  const parts = [...active].map(([title, task]) =>
    `${title} ${seconds(task.startedAt)} ${task.last}`.trimEnd(),
  );
  if (!process.stderr.isTTY) return parts.forEach((part) => say(`setup: … ${part}`));
  clearStatus();
  process.stderr.write(parts.join(' | ').slice(0, (process.stderr.columns ?? 80) - 1));
  statusShown = true;
}

function clearStatus() {
  if (statusShown) process.stderr.write('\r\u001B[K');
  statusShown = false;
}

function seconds(/** @type {number} */ since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
