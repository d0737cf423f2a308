import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { directory, file, type Entry } from './cpio.ts';
import { libraryFiles, librariesOf } from './libraries.ts';

/** Of the kernel, for an Intel HDA sound card; in the order in which it takes them. */
export const SOUND_MODULES = [
  'soundcore',
  'snd',
  'snd-timer',
  'snd-pcm',
  'snd-hwdep',
  'snd-hda-core',
  'ledtrig-audio',
  'snd-hda-codec',
  // Nobody loads it on demand here.
  'snd-hda-codec-generic',
  'snd-intel-sdw-acpi',
  'snd-intel-dspcfg',
  'snd-hda-intel',
] as const;

const ROOT = join(import.meta.dirname, '../../..');
const ENGINE = join(ROOT, 'media-engine-client/dist');
const WORKER = join(ROOT, 'media-engine-client/build/offhook-worker');
/** Beside the library, as the linker finds it: GStreamer looks there. */
const PLUGINS = '/lib/x86_64-linux-gnu/gstreamer-1.0';
/** GStreamer's, of which the worker makes a call at an ALSA device. */
const PLUGIN_NAMES = [
  'coreelements',
  'volume',
  'audioconvert',
  'audioresample',
  'rtp',
  'rtpmanager',
  'alaw',
  'mulaw',
  'alsa',
];
/** Where ALSA looks for what `hw:0` means. */
const ALSA = '/usr/share/alsa';

/** The engine as it is built now, to run inside the guest at its sound card. */
export async function engineFiles(): Promise<Entry[]> {
  const built = (await readdir(ENGINE)).filter((name) => name.endsWith('.js'));
  const plugins = PLUGIN_NAMES.map((name) => join(PLUGINS, `libgst${name}.so`));
  const libraries = await librariesOf([WORKER, ...plugins]);
  const settings = (await readdir(ALSA, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.conf'))
    .map((entry) => join(entry.parentPath, entry.name));
  const own = (name: string) => readFile(join(import.meta.dirname, '../guest', name));
  return [
    directory('engine'),
    file('engine/package.json', '{"type":"module"}'),
    file('engine/engine.toml', await own('engine.toml')),
    file('app/guest.toml', await own('sound.toml')),
    file('engine/offhook-worker', await readFile(WORKER), true),
    ...(await Promise.all(
      built.map(async (name) =>
        file(`engine/${basename(name)}`, await readFile(join(ENGINE, name))),
      ),
    )),
    ...(await libraryFiles([...new Set([...libraries, ...plugins, ...settings])])),
  ];
}
