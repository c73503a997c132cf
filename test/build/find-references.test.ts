import { describe, expect, it } from 'vitest';
import { findReferences } from '../../src/build/find-references.ts';

describe('findReferences', () => {
  it('finds the models of inference(), also when they are not locked yet', () => {
    const code = `inference({models:{det:"ppocr-det:prod",rec:'ppocr-rec:1.4.0'},input:image()})`;
    expect(findReferences(code, [])).toEqual(['ppocr-det:prod', 'ppocr-rec:1.4.0']);
  });

  it('finds a digest', () => {
    const pinned = `iris@sha256:${'a'.repeat(64)}`;
    expect(findReferences(`{models:{iris:"${pinned}"}}`, [])).toEqual([pinned]);
  });

  it('finds a locked reference wherever the code spells it out', () => {
    expect(findReferences('const reference="iris:prod";', ['iris:prod', 'other:prod'])).toEqual(['iris:prod']);
  });

  it('leaves alone what is no reference, and objects of other names', () => {
    expect(findReferences(`{models:{path:"/v2/models",a:"Iris Prod"},other:{b:"iris:prod"}}`, [])).toEqual([]);
  });

  it('does not take one name for the start of another', () => {
    expect(findReferences('"iris:production"', ['iris:prod'])).toEqual([]);
  });
});
