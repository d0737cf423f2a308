/** The words by which this program is started again. */
export function ownCommand(): readonly string[] {
  const [program = 'node', script = 'offhook-engine'] = process.argv;
  return [program, ...process.execArgv, script];
}
