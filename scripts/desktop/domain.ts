import type { Disk } from './disk.ts';

export interface Domain extends Disk {
  /** What the guest finds in /proc/cmdline as `offhook.NAME=VALUE`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly spicePort: number;
  readonly ticket: string;
  /** Files that its two serial ports are written to. */
  readonly console: string;
  readonly words: string;
  /** The device that the README has the reader add. */
  readonly channel: string;
}

/** A virtual desktop as libvirt describes it: nothing in it is for Offhook but the channel. */
export function domainXml(domain: Domain): string {
  const parameters = Object.entries(domain.parameters).map(
    ([name, value]) => `offhook.${name}=${value}`,
  );
  const cmdline = ['root=/dev/vda', 'rw', 'quiet', 'console=ttyS0', ...parameters].join(' ');
  return `<domain type='qemu'>
  <name>desktop</name>
  <memory unit='MiB'>1024</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${domain.kernel}</kernel>
    <initrd>${domain.ramdisk}</initrd>
    <cmdline>${cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='${domain.disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='file'><source path='${domain.console}'/><target port='0'/></serial>
    <serial type='file'><source path='${domain.words}'/><target port='1'/></serial>
    <graphics type='spice' port='${domain.spicePort}' passwd='${domain.ticket}'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <video><model type='vga'/></video>
    <memballoon model='none'/>
    ${domain.channel}
  </devices>
</domain>
`;
}

/** The `<channel>` that the README shows. @throws when it shows none */
export function channelOf(readme: string): string {
  const found = /<channel type='spiceport'>[\s\S]*?<\/channel>/.exec(readme)?.[0];
  if (found === undefined) throw new Error('the README shows no <channel>');
  return found;
}
