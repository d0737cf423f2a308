import { clientInstallation } from '../../media-engine-client/src/install/files.ts';
import { guestInstallation } from '../../softphone-guest/src/install/files.ts';
import type { InstallFile } from '@offhook/common/install';

import { ctiService } from './cti-service.ts';
import { ctiPages, enginePages, guestPages, type ManPages } from './man-pages.ts';

/** Where the packages keep what is not for people to start. */
export const LIBRARY = '/usr/lib/offhook';
/** Of Node itself; the programs are started with it, whatever other Node the system has. */
export const NODE = `${LIBRARY}/node`;

export interface DebianPackage {
  readonly name: string;
  readonly section: string;
  readonly summary: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  /** Besides what the executables are linked with; `=` stands for this version. */
  readonly depends: readonly string[];
  readonly recommends: readonly string[];
  /** The program of the package, absent for the runtime. */
  readonly program?: {
    readonly name: string;
    /** Bundle, below the root of the source tree. */
    readonly bundle: string;
    readonly installation: {
      files(options: { prefix: string; program: readonly string[] }): InstallFile[];
    };
    readonly pages: ManPages;
    /** Executables in C, below the root of the source tree. */
    readonly native: readonly string[];
  };
  readonly scripts: Readonly<Record<string, string>>;
  /** What lintian says and why it may: tag and reason. */
  readonly overrides: Readonly<Record<string, string>>;
}

const RELOAD = `if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi`;

export function packages(gstreamer: readonly string[]): readonly DebianPackage[] {
  return [
    {
      name: 'offhook-runtime',
      section: 'javascript',
      summary: 'Node.js as the programs of Offhook need it',
      description: [
        'The Node.js that Offhook is tested with, for its own programs only: it is not on the PATH, and does not get into the way of another one.',
      ],
      depends: [],
      recommends: [],
      scripts: {},
      overrides: {
        'embedded-library':
          'Node.js comes as its project builds it, with the libraries it is tested with',
        'hardening-no-pie': 'as its project builds it',
        'copyright-file-contains-full-apache-2-license':
          'the licence file of Node.js, word for word',
        'old-fsf-address-in-copyright-file': 'the licence file of Node.js, word for word',
      },
    },
    {
      name: 'offhook-guest',
      section: 'comm',
      summary: 'softphone for virtual desktops, the part in the guest',
      description: [
        'A softphone for virtual desktops whose audio never touches the server: the phone (SIP, calls, user interface) runs in the guest, the sound is made at the thin client, by an engine that the phone steers through the SPICE connection of the desktop.',
        'This package is for the virtual desktop. The thin client gets offhook-engine.',
      ],
      depends: ['offhook-runtime (= ${version})', 'systemd'],
      recommends: ['ca-certificates'],
      program: {
        name: 'offhook',
        bundle: 'softphone-guest/dist',
        installation: guestInstallation,
        pages: guestPages,
        native: ['virtual-channel/build/offhook-peer'],
      },
      scripts: {
        postinst: `if [ "$1" = configure ]; then
  systemd-sysusers /usr/lib/sysusers.d/offhook.conf
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    udevadm control --reload || true
    udevadm trigger --subsystem-match=virtio-ports || true
    systemctl try-restart offhook-port-helper.service || true
  fi
fi`,
        prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop offhook-port-helper.service || true
fi`,
        postrm: RELOAD,
      },
      overrides: {
        'maintainer-script-calls-systemctl':
          'only where systemd runs, and its failure is no failure',
      },
    },
    {
      name: 'offhook-engine',
      section: 'comm',
      summary: 'softphone for virtual desktops, the sound at the thin client',
      description: [
        'The part of Offhook that runs where the headset is: devices, codecs and RTP of the calls of a virtual desktop, which go straight to their peers and never through the server.',
        'This package is for the thin client. The virtual desktop gets offhook-guest.',
      ],
      depends: ['offhook-runtime (= ${version})', ...gstreamer],
      recommends: ['virt-viewer', 'ca-certificates'],
      program: {
        name: 'offhook-engine',
        bundle: 'media-engine-client/dist',
        installation: clientInstallation,
        pages: enginePages,
        native: ['media-engine-client/build/offhook-worker'],
      },
      scripts: {
        postinst: `if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  udevadm control --reload || true
  udevadm trigger --subsystem-match=input || true
fi`,
      },
      overrides: {},
    },
    {
      name: 'offhook-cti',
      section: 'comm',
      summary: 'control of the phones of a PBX by programs, as CSTA has it',
      description: [
        'A bridge between the phones of a PBX and the programs of a contact centre or a desk: devices and calls in the words of CSTA (ECMA-269), over JSON-RPC and REST, with events that a reader can resume.',
        'It is a service of the system, and does not start before /etc/offhook-cti/config.toml is there.',
      ],
      depends: ['offhook-runtime (= ${version})', 'systemd'],
      recommends: ['ca-certificates'],
      program: {
        name: 'offhook-cti',
        bundle: 'cti-bridge/dist',
        installation: ctiService,
        pages: ctiPages,
        native: [],
      },
      scripts: {
        postinst: `if [ "$1" = configure ]; then
  systemd-sysusers /usr/lib/sysusers.d/offhook-cti.conf
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    systemctl try-restart offhook-cti.service || true
  fi
fi`,
        prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop offhook-cti.service || true
fi`,
        postrm: RELOAD,
      },
      overrides: {
        'maintainer-script-calls-systemctl':
          'only where systemd runs, and its failure is no failure',
      },
    },
  ];
}
