import { storeContract } from '../models/store-contract.ts';
import { memoryStore } from './memory-store.ts';

storeContract('the memory of a test', async () => {
  const store = memoryStore();
  return { store, reader: store, [Symbol.asyncDispose]: async () => {} };
});
