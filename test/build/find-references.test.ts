import { describe, expect, it } from 'vitest';
import { findReferences } from '../../src/build/find-references.ts';

describe('findReferences', () => {
  it('finds the models of inference(), also when they are not locked yet', () => {
    const code = `inference({models:{det:"ppocr-det:prod",rec:'ppocr-rec:1.4.0'},input:image()})`;
    expect(findReferences(code, [])).toEqual(['ppocr-det:prod', 'ppocr-rec:1.4.0']);
  });

  it('finds those of models that follow, are split, or have a shadow, past the functions among them', () => {
    const code = `inference({models:{det:"det:prod",rec:{model:"rec:prod",follow:{every:60},split:{to:'rec:candidate',percent:5,
      by:e=>{let t="}"+e.headers.get(\`a{\`);return t}},shadow:{model:"rec:next"}}},input:image({other:"x:y"})})`;
    expect(findReferences(code, [])).toEqual(['det:prod', 'rec:candidate', 'rec:next', 'rec:prod']);
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
