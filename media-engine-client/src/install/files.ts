import { desktopCommand, layout, unitCommand, type Installation } from '@offhook/common/install';

/** What makes a thin client the one where the sound of its desktops is. */
export const clientInstallation: Installation = {
  name: 'client',
  package: 'offhook-engine',
  files: ({ prefix, program }) => {
    const { userUnits, udevRules, applications } = layout(prefix);
    return [
      { path: `${userUnits}/offhook-engine.service`, content: engineUnit(program) },
      { path: `${udevRules}/70-offhook-headset.rules`, content: HEADSET_RULES },
      { path: `${applications}/offhook-engine-view.desktop`, content: viewFile(program) },
    ];
  },
  next: {
    installed: [
      'udevadm control --reload && udevadm trigger --subsystem-match=input    # as root: buttons of headsets',
      'systemctl --user daemon-reload && systemctl --user enable --now offhook-engine    # as the user',
      'xdg-mime default offhook-engine-view.desktop application/x-virt-viewer    # .vv files open with sound',
      'offhook-engine doctor',
    ],
    removed: ['systemctl --user daemon-reload    # as each user who had it'],
  },
};

/** Of sound cards only, and never keyboards: what is typed stays unreadable. As `headset/find.ts` has it. */
const HEADSET_RULES = `# Offhook: the person at the screen may read the buttons of headsets.
# The number is below 73, where systemd-logind's rules make use of the tag.
ACTION=="remove", GOTO="offhook_headset_end"
SUBSYSTEM!="input", GOTO="offhook_headset_end"
KERNEL!="event*", GOTO="offhook_headset_end"
ENV{ID_INPUT_KEYBOARD}=="1", GOTO="offhook_headset_end"
# A USB device with an audio interface (class 01).
ENV{ID_USB_INTERFACES}=="*:01????:*", TAG+="uaccess"
# The remote control of a Bluetooth headset.
ATTRS{name}=="* (AVRCP)", TAG+="uaccess"
# The socket of a sound card.
SUBSYSTEMS=="sound", TAG+="uaccess"
LABEL="offhook_headset_end"
`;

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
