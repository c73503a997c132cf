// The contract of an S3 server, against the real SDK. Run against our own in contract.test.ts, and against any other
// server that `open` starts or names.
import { describe } from 'vitest';
import { checksumContract } from './checksums.ts';
import { conditionContract } from './conditions.ts';
import { type Endpoint, useBench } from './endpoint.ts';
import { listingContract } from './listing.ts';
import { multipartContract } from './multipart.ts';
import { bucketContract, objectContract, rangeContract } from './objects.ts';
import { signatureContract } from './signatures.ts';
import { versioningContract } from './versioning.ts';

export function s3Contract(name: string, open: () => Promise<Endpoint>): void {
  describe(`the contract of S3: ${name}`, () => {
    const bench = useBench(open);
    bucketContract(bench);
    objectContract(bench);
    rangeContract(bench);
    conditionContract(bench);
    multipartContract(bench);
    listingContract(bench);
    checksumContract(bench);
    versioningContract(bench);
    signatureContract(bench);
  });
}
