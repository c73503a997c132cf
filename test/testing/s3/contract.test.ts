import { s3Contract } from './contract/suite.ts';
import { temporaryServer } from './temporary-server.ts';

s3Contract('the local server', temporaryServer);
