import { isOffhookError, OffhookError } from '@offhook/common/errors';
import { connectDaemon, type DaemonClient } from '../control/client.ts';
import { installLazySegmenter } from '../tui/lazy-segmenter.ts';
import type { Context } from './call-commands.ts';

/** The phone on the terminal; starts the daemon in the background when none runs. */
export async function tui(
  context: Context,
  options: { readonly plain?: boolean } = {},
): Promise<void> {
  const plain = options.plain ?? isPlain(process.env);
  if (context.json || (!plain && (!process.stdin.isTTY || !process.stdout.isTTY))) {
    throw new OffhookError('system', 'no-terminal', 'the phone needs a terminal', {
      remedy: 'use commands such as `offhook calls`, or `offhook tui --plain`; see offhook --help',
    });
  }
  installLazySegmenter();
  // Both take their time: the daemon answers while the screen is being loaded.
  const loading = import('../tui/main.tsx');
  loading.catch(() => undefined);
  const { daemon, notice } = await reachDaemon(context);
  const { runTui, runPlain } = await loading.catch(async (error: unknown) => {
    await daemon.close();
    return explainUnbuilt(error);
  });
  await (plain ? runPlain : runTui)({ paths: context.paths, daemon, notice });
}

/** What screen readers set for ink applications, and what terminals say that cannot move the cursor. */
function isPlain(env: NodeJS.ProcessEnv): boolean {
  return env['INK_SCREEN_READER'] === 'true' || env['TERM'] === 'dumb';
}

async function reachDaemon({
  paths,
  output,
}: Context): Promise<{ daemon: DaemonClient; notice?: string }> {
  try {
    return { daemon: await connectDaemon(paths) };
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
  }
  const { startInBackground } = await import('./start-daemon.ts');
  const notice = await startInBackground(paths, output);
  return { daemon: await connectDaemon(paths), notice };
}

/** Node runs our .ts as it is, but no .tsx. */
function explainUnbuilt(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
  throw new OffhookError('system', 'not-built', 'the screen runs only from the bundle', {
    remedy: 'npm run build, then npx offhook',
  });
}
