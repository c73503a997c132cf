// The two layers as constructs: one a stack and architecture, shared by its functions, replaced when their content changes.
import { AssetHashType, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Architecture as LambdaArchitecture, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Architecture, Layer, LayerOptions } from '../build/layer.ts';
import { buildOnnxruntimeLayer } from '../build/onnxruntime-layer.ts';
import { buildSharpLayer } from '../build/sharp-layer.ts';

export interface LayerProps {
  /** Must be that of the functions that use the layer. */
  readonly architecture: Architecture;
  /**
   * Project whose node_modules and package-lock.json the layer is made from.
   * @default the nearest folder with a package.json, from the working folder up
   */
  readonly root?: string;
}

/** onnxruntime-node for one architecture, on the CPU: 47 MB for x86_64, 26 MB for arm64. */
export class OnnxRuntimeLayer extends LayerVersion {
  /** Unzipped size. */
  readonly bytes: number;

  constructor(scope: Construct, id: string, props: LayerProps) {
    const layer = buildOnnxruntimeLayer(layerOptions(props));
    super(scope, id, layerVersionProps(layer, 'MIT'));
    this.bytes = layer.bytes;
  }

  /** The stack's own layer of this architecture; made at the first call. */
  static of(scope: Construct, props: LayerProps): OnnxRuntimeLayer {
    const stack = Stack.of(scope);
    const id = `OnnxRuntimeLayer-${props.architecture}`;
    const made = stack.node.tryFindChild(id);
    return made instanceof OnnxRuntimeLayer ? made : new OnnxRuntimeLayer(stack, id, props);
  }
}

/** sharp with libvips for one architecture: 20 MB. */
export class SharpLayer extends LayerVersion {
  /** Unzipped size. */
  readonly bytes: number;

  constructor(scope: Construct, id: string, props: LayerProps) {
    const layer = buildSharpLayer(layerOptions(props));
    super(scope, id, layerVersionProps(layer, 'Apache-2.0 AND LGPL-3.0-or-later'));
    this.bytes = layer.bytes;
  }

  /** The stack's own layer of this architecture; made at the first call. */
  static of(scope: Construct, props: LayerProps): SharpLayer {
    const stack = Stack.of(scope);
    const id = `SharpLayer-${props.architecture}`;
    const made = stack.node.tryFindChild(id);
    return made instanceof SharpLayer ? made : new SharpLayer(stack, id, props);
  }
}

export function lambdaArchitecture(architecture: Architecture): LambdaArchitecture {
  return architecture === 'arm64' ? LambdaArchitecture.ARM_64 : LambdaArchitecture.X86_64;
}

function layerOptions({ architecture, root }: LayerProps): LayerOptions {
  return { arch: architecture, ...(root ? { root } : {}) };
}

function layerVersionProps(layer: Layer, license: string) {
  return {
    // The layer's own digest: hashing 47 MB again would take most of the synth.
    code: Code.fromAsset(layer.path, { assetHash: layer.digest, assetHashType: AssetHashType.CUSTOM }),
    compatibleArchitectures: [lambdaArchitecture(layer.arch)],
    compatibleRuntimes: [Runtime.NODEJS_24_X],
    description: `${layer.name} ${layer.arch} ${layer.digest.slice(0, 12)}`,
    license,
    // Functions of other stacks and earlier versions may still use the replaced one.
    removalPolicy: RemovalPolicy.RETAIN,
  };
}
