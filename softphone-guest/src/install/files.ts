import { desktopCommand, layout, unitCommand, type Installation } from '@offhook/common/install';

const PORT = 'org.offhook.engine.0';
const ALLOW = '/etc/offhook/port-helper.toml';
/** The user that has the port, and the group of those who may use it through the helper. */
const HELPER_USER = 'offhook-port';
const GROUP = 'offhook';
/** As systemd escapes the path in the names of units (systemd.unit(5)). */
const DEVICE_UNIT = String.raw`dev-virtio\x2dports-${PORT}.device`;

/** What turns a virtual desktop into one with a phone. */
export const guestInstallation: Installation = {
  name: 'guest',
  package: 'offhook-guest',
  files: ({ prefix, program }) => {
    const { systemUnits, userUnits, udevRules, sysusers, applications } = layout(prefix);
    return [
      { path: `${sysusers}/offhook.conf`, content: SYSUSERS },
      { path: `${udevRules}/60-offhook.rules`, content: UDEV },
      { path: ALLOW, content: ALLOW_LIST, configuration: true },
      { path: `${systemUnits}/offhook-port-helper.service`, content: helperUnit(program) },
      { path: `${userUnits}/offhook.service`, content: daemonUnit(program) },
      { path: `${applications}/offhook.desktop`, content: desktopFile(program) },
      { path: `${applications}/offhook-dial.desktop`, content: dialFile(program) },
    ];
  },
  next: {
    installed: [
      `systemd-sysusers && systemctl daemon-reload    # makes the user ${HELPER_USER} and the group ${GROUP}`,
      'udevadm control --reload && udevadm trigger --subsystem-match=virtio-ports    # starts the helper',
      `adduser USER ${GROUP}    # for everyone who shall have a phone; holds from the next login`,
      'systemctl --user enable --now offhook    # as that user: the phone',
      'offhook doctor',
    ],
    removed: [
      'systemctl stop offhook-port-helper; systemctl daemon-reload; udevadm control --reload',
      `deluser --system ${HELPER_USER}; delgroup ${GROUP}`,
    ],
  },
};

const SYSUSERS = `# Who owns the port of Offhook in this virtual desktop, and who may use it.
g ${GROUP} -
u ${HELPER_USER} - "Offhook port helper" /nonexistent
`;

const UDEV = `# The port that the thin client answers: for the port helper, which it starts.
SUBSYSTEM=="virtio-ports", ATTR{name}=="${PORT}", GROUP="${HELPER_USER}", MODE="0660", \\
  TAG+="systemd", ENV{SYSTEMD_WANTS}+="offhook-port-helper.service"
`;

const ALLOW_LIST = `# Who may use the port ${PORT}, of those who can enter /run/offhook
# (the group ${GROUP}). A change holds from the next start of offhook-port-helper.
[allow]
groups = ["${GROUP}"]
# users = ["alice", 1000]
# Programs, by absolute path. To see those of other users, give the helper CAP_SYS_PTRACE:
# systemctl edit offhook-port-helper, [Service], AmbientCapabilities=CAP_SYS_PTRACE,
# CapabilityBoundingSet=CAP_SYS_PTRACE.
# executables = ["/usr/lib/offhook/node"]
`;

function helperUnit(program: readonly string[]): string {
  const words = [
    ...program,
    'port-helper',
    '--socket',
    `/run/offhook/port-${PORT}.sock`,
    '--allow',
    ALLOW,
    PORT,
  ];
  // Where the program is somebody's checkout, it has to be seen.
  const home = program.some((word) => /^\/(home|root)\//.test(word)) ? 'read-only' : 'yes';
  return `[Unit]
# Started by its udev rule, when the port is there.
Description=Offhook port helper: shares the port ${PORT} of this virtual desktop
Documentation=man:offhook(1)
BindsTo=${DEVICE_UNIT}
After=${DEVICE_UNIT}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
ExecStart=${unitCommand(words)}
User=${HELPER_USER}
Group=${GROUP}
SupplementaryGroups=${HELPER_USER}
RuntimeDirectory=offhook
RuntimeDirectoryMode=0750
Restart=always
RestartSec=1
# A read of the port that blocks can only be ended so.
SuccessExitStatus=KILL
# It needs the port, one socket, and nothing else. (MemoryDenyWriteExecute is not for JavaScript.)
DevicePolicy=closed
DeviceAllow=char-virtio-portsdev rw
CapabilityBoundingSet=
NoNewPrivileges=yes
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
ProtectSystem=strict
ProtectHome=${home}
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
MemoryMax=512M
TasksMax=128
`;
}

function daemonUnit(program: readonly string[]): string {
  return `[Unit]
Description=Offhook phone
Documentation=man:offhook(1)
StartLimitIntervalSec=60
StartLimitBurst=20

[Service]
ExecStart=${unitCommand([...program, 'daemon'])}
ExecReload=${unitCommand([...program, 'reload'])}
Restart=always
RestartSec=200ms
# Wrong configuration does not get better by trying again.
RestartPreventExitStatus=2

[Install]
WantedBy=default.target
`;
}

/** Links to call in browsers and mails; `--` is not needed, a URI begins with its scheme. */
function dialFile(program: readonly string[]): string {
  return `[Desktop Entry]
Type=Application
Name=Call with Offhook
Exec=${desktopCommand([...program, 'dial'])} %u
NoDisplay=true
Terminal=false
MimeType=x-scheme-handler/tel;x-scheme-handler/sip;x-scheme-handler/sips;x-scheme-handler/callto;
`;
}

function desktopFile(program: readonly string[]): string {
  return `[Desktop Entry]
Type=Application
Name=Offhook
GenericName=Softphone
Comment=Make and take calls; the sound is made at the thin client
Exec=${desktopCommand(program)}
Terminal=true
Categories=Network;Telephony;
Keywords=phone;SIP;call;VoIP;
`;
}
