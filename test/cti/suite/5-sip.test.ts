import { compliance } from '../src/compliance.ts';
import { plainRig } from '../src/sip/rig.ts';

compliance(5, 'SIP only', plainRig);
