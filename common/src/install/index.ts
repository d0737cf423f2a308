export type { Installation } from './command.ts';
export { install, uninstall } from './installer.ts';
export { desktopCommand, layout, unitCommand } from './layout.ts';
export type { InstallFile } from './layout.ts';
export { installProgram } from './program.ts';
export type { InstallFlags } from './program.ts';
