// What npm run test:aws deploys: infra/'s stacks with everything on, but that nobody is mailed and no repository let in.
import { App } from 'aws-cdk-lib';
import { findFunctions } from 'glowplug/cdk';
import { readConfig } from '../../infra/config.ts';
import { addStacks } from '../../infra/stacks/add-stacks.ts';
import { everythingOn } from '../synth/everything-on.ts';

const { page: _page, github: _github, ...dev } = everythingOn.dev;
const app = new App({ analyticsReporting: false });
const functions = findFunctions();
const names = functions.map(({ name }) => name);
addStacks(app, readConfig(app.node.getAllContext(), { ...everythingOn, dev }, names), functions);
app.synth();
