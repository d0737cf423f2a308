import { layout, type InstallFile } from '@offhook/common/install';

const USER = 'offhook-cti';
const CONFIG = '/etc/offhook-cti/config.toml';

/** The bridge as a service of the system. It starts when somebody has configured and enabled it. */
export const ctiService = {
  files: ({ prefix, program }: { prefix: string; program: readonly string[] }): InstallFile[] => {
    const { systemUnits, sysusers } = layout(prefix);
    return [
      { path: `${sysusers}/offhook-cti.conf`, content: SYSUSERS },
      { path: `${systemUnits}/offhook-cti.service`, content: unit(program) },
    ];
  },
};

const SYSUSERS = `# Who runs the CTI bridge, and may read its configuration with the secrets of PBXs.
u ${USER} - "Offhook CTI bridge" /nonexistent
`;

function unit(program: readonly string[]): string {
  return `[Unit]
Description=Offhook CTI bridge: phones of a PBX for programs
Documentation=man:offhook-cti(1)
Wants=network-online.target
After=network-online.target
ConditionPathExists=${CONFIG}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
ExecStart=${program.join(' ')} --config ${CONFIG} run
User=${USER}
Restart=always
RestartSec=1
# Wrong configuration does not get better by trying again.
RestartPreventExitStatus=2
StateDirectory=offhook-cti
LogsDirectory=offhook-cti
# It needs the network and its configuration. (MemoryDenyWriteExecute is not for JavaScript.)
CapabilityBoundingSet=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}
