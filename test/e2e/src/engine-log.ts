import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@offhook/test-sipp';

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What the engines in that directory and their links have logged, in order of time. */
export async function readEngineLog(directory: string): Promise<readonly LogLine[]> {
  const state = await readdir(join(directory, 'engine'), { recursive: true }).catch(() => []);
  const files = ['engine.log', ...state.map((name) => join('engine', name))];
  const logs = files.filter((name) => name.endsWith('.log'));
  const lines = await Promise.all(logs.map((name) => readLog(join(directory, name))));
  return lines.flat().toSorted((a, b) => a.at - b.at);
}

async function readLog(path: string): Promise<LogLine[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => {
      try {
        const fields = JSON.parse(line) as Record<string, unknown>;
        return [{ at: Date.parse(String(fields['time'])), message: String(fields['msg']), fields }];
      } catch {
        // Still being written.
        return [];
      }
    });
}

/** Waits for a line that fits, logged at `since` or later. */
export async function engineLogs(
  directory: string,
  message: string,
  since: number,
  within: number,
): Promise<LogLine> {
  return until(
    `the engine to log "${message}"`,
    async () =>
      (await readEngineLog(directory)).find((line) => line.at >= since && line.message === message),
    { within, every: 50 },
  );
}
