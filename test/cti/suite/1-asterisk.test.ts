import { asteriskRig } from '../src/asterisk-rig.ts';
import { compliance } from '../src/compliance.ts';

compliance(1, 'Asterisk', () => asteriskRig({ remoteControl: true }));

compliance(2, 'Asterisk, plain phone', () => asteriskRig({ remoteControl: false }));
