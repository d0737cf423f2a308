import { ManagedProcess } from '@offhook/test-sipp';

export type Accelerator = 'kvm' | 'tcg';

const PROBE_MS = 6000;

/** KVM where a guest really boots with it: that `/dev/kvm` is there says little inside a VM. */
export async function findAccelerator(kernel: string): Promise<Accelerator> {
  const probe = new ManagedProcess({
    name: 'qemu with KVM',
    command: 'qemu-system-x86_64',
    args: [
      ...'-accel kvm -cpu max -machine q35 -m 256 -nodefaults -no-user-config'.split(' '),
      ...'-no-reboot -display none -serial stdio'.split(' '),
      '-kernel',
      kernel,
      '-append',
      'console=ttyS0 panic=-1',
    ],
  });
  try {
    // Without a root file system it boots as far as its panic.
    await probe.ready(/Kernel panic|Unable to mount root/, { within: PROBE_MS });
    return 'kvm';
  } catch {
    return 'tcg';
  } finally {
    probe.killNow();
  }
}
