export { findAccelerator } from './accelerator.ts';
export { file } from './cpio.ts';
export { guestImage } from './image.ts';
export { joinRamdisk, Vm } from './vm.ts';
