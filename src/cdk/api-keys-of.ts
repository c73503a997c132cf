// The secret with the keys that clients send, separated by commas: the app's own, or a new one with one key.
import { Validations } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

export function apiKeysOf(scope: Construct, given: ISecret | Secret | undefined, whose: string): ISecret | Secret {
  const secret =
    given ??
    new Secret(scope, 'ApiKeys', {
      description: `keys of the clients of ${whose}`,
      // Letters and digits alone: a comma would make two keys of it, and a quote gets lost in a shell. 40 of 62 are 238 bits.
      generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    });
  Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'Clients hold the keys: who exchanges them tells the clients first. Several are valid at once.',
  });
  return secret;
}
