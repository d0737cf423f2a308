export { findAccelerator } from './accelerator.ts';
export { guestImage, systemImage } from './image.ts';
export { joinRamdisk, Vm } from './vm.ts';
