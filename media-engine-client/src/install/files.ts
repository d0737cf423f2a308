import { desktopCommand, layout, unitCommand, type Installation } from '@offhook/common/install';

/** What makes a thin client the one where the sound of its desktops is. */
export const clientInstallation: Installation = {
  name: 'client',
  package: 'offhook-engine',
  files: ({ prefix, program }) => {
    const { userUnits, applications } = layout(prefix);
    return [
      { path: `${userUnits}/offhook-engine.service`, content: engineUnit(program) },
      { path: `${applications}/offhook-engine-view.desktop`, content: viewFile(program) },
    ];
  },
  next: {
    installed: [
      'systemctl --user daemon-reload && systemctl --user enable --now offhook-engine    # as the user',
      'xdg-mime default offhook-engine-view.desktop application/x-virt-viewer    # .vv files open with sound',
      'offhook-engine doctor',
    ],
    removed: ['systemctl --user daemon-reload    # as each user who had it'],
  },
};

function engineUnit(program: readonly string[]): string {
  return `[Unit]
Description=Offhook engine: the sound of virtual desktops
Documentation=man:offhook-engine(1)
After=pipewire.service pipewire-pulse.service pulseaudio.service
StartLimitIntervalSec=60
StartLimitBurst=20

[Service]
ExecStart=${unitCommand([...program, 'run'])}
Restart=always
RestartSec=200ms
# Wrong configuration does not get better by trying again.
RestartPreventExitStatus=2
# The media worker keeps calls playing while the engine is started again.
KillMode=process

[Install]
WantedBy=default.target
`;
}

function viewFile(program: readonly string[]): string {
  return `[Desktop Entry]
Type=Application
Name=Virtual desktop with Offhook
GenericName=Remote desktop viewer
Comment=Open a virtual desktop, with the sound of its calls made here
Exec=${desktopCommand([...program, 'view'])} %f
NoDisplay=true
Categories=Network;RemoteAccess;
MimeType=application/x-virt-viewer;
`;
}
