import { printJson } from '@offhook/common/cli';
import type { AudioRole, VoiceWishes } from '@offhook/media-rpc/schemas';
import { withDaemon } from '../control/client.ts';
import type { Context } from './call-commands.ts';

export async function volume(
  { paths, json, output }: Context,
  wanted: { readonly role: AudioRole; readonly volume: number },
): Promise<void> {
  await withDaemon(paths, (daemon) => daemon.call('audio.volume', wanted));
  if (json) printJson(output, wanted);
  else output.out(`${wanted.role}: volume ${wanted.volume}\n`);
}

export async function voice({ paths, json, output }: Context, wishes: VoiceWishes): Promise<void> {
  await withDaemon(paths, (daemon) => daemon.call('audio.voice', wishes));
  if (json) printJson(output, wishes);
  else output.out('asked for at the thin client\n');
}
