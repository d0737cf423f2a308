import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, warn, type CheckFinding } from './check.ts';

/** A GStreamer plugin that legs are made of, and what is missing without it. */
interface Plugin {
  readonly file: string;
  readonly debian: string;
  /** Undefined: no call works without it. */
  readonly missing?: string;
}

const plugins: readonly Plugin[] = [
  { file: 'coreelements', debian: 'libgstreamer1.0-0' },
  { file: 'volume', debian: 'gstreamer1.0-plugins-base' },
  { file: 'audioconvert', debian: 'gstreamer1.0-plugins-base' },
  { file: 'audioresample', debian: 'gstreamer1.0-plugins-base' },
  { file: 'rtp', debian: 'gstreamer1.0-plugins-good' },
  { file: 'rtpmanager', debian: 'gstreamer1.0-plugins-good' },
  { file: 'alaw', debian: 'gstreamer1.0-plugins-good' },
  { file: 'mulaw', debian: 'gstreamer1.0-plugins-good' },
  ...['audiorate', 'ogg', 'opus'].map((file) => ({
    file,
    debian: 'gstreamer1.0-plugins-base',
    missing: 'recordings as Ogg/Opus',
  })),
  { file: 'pulseaudio', debian: 'gstreamer1.0-pulseaudio', missing: 'PulseAudio and PipeWire' },
  { file: 'alsa', debian: 'gstreamer1.0-alsa', missing: 'ALSA sound cards' },
];

/** Whether the plugins are installed, looked for where GStreamer does. */
export function checkPlugins(directories: readonly string[] = pluginDirectories()): CheckFinding {
  const absent = plugins.filter(
    ({ file }) => !directories.some((directory) => existsSync(join(directory, `libgst${file}.so`))),
  );
  if (absent.length === 0) return ok(`${plugins.length} GStreamer plugins are installed`);
  const packages = [...new Set(absent.map(({ debian }) => debian))];
  const remedy = `apt install ${packages.join(' ')}`;
  const needed = absent.filter(({ missing }) => missing === undefined);
  if (needed.length > 0) {
    return fail(`GStreamer lacks ${needed.map(({ file }) => file).join(', ')}`, remedy);
  }
  const without = [...new Set(absent.map(({ missing }) => missing))];
  return warn(`without ${without.join(', without ')}`, remedy);
}

function pluginDirectories(
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly string[] {
  const own = [env['GST_PLUGIN_PATH_1_0'], env['GST_PLUGIN_PATH']]
    .flatMap((list) => list?.split(':') ?? [])
    .filter((path) => path !== '');
  const system = env['GST_PLUGIN_SYSTEM_PATH_1_0'] ?? env['GST_PLUGIN_SYSTEM_PATH'];
  if (system !== undefined) return [...own, ...system.split(':')];
  const roots = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];
  const multiarch = roots.flatMap((root) =>
    existsSync(root)
      ? readdirSync(root, { withFileTypes: true })
          .filter((entry) => entry.isDirectory() && /-linux-/u.test(entry.name))
          .map((entry) => join(root, entry.name))
      : [],
  );
  return [...own, ...[...roots, ...multiarch].map((root) => join(root, 'gstreamer-1.0'))];
}
