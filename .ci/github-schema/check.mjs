// Checks against the schema that GitHub publishes (npm package @octokit/graphql-schema)
//   - every GraphQL document of ours: steps/*/src/**/*.graphql, all of a folder together, because they share fragments;
//   - the schema of our simulator: all that it has, GitHub has too, with the same types, arguments and nullability.
// Prints each problem with its place and exits 1 when there is one. `--self-test` plants mistakes and sees whether each
// is found. Run by .ci/check-github-schema.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { schema as published } from '@octokit/graphql-schema';
import {
    NoDeprecatedCustomRule, Source, buildSchema, concatAST, isEnumType, isInputObjectType, isInterfaceType, isObjectType,
    isRequiredArgument, isRequiredInputField, isScalarType, isSpecifiedScalarType, isUnionType, parse, specifiedRules, validate,
} from 'graphql';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const simulator = 'crates/simulators/src/github/schema/checked.graphql';

const read = (file) => new Source(readFileSync(join(root, file), 'utf8'), file);

// ---- Documents ------------------------------------------------------------------------------------------------------

/** The `.graphql` files of our own, by folder. */
function documents() {
    const entries = (folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const files = ['crates/automator', 'steps'].flatMap(entries)
        .filter((entry) => entry.isFile() && entry.name.endsWith('.graphql'))
        .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
    const folders = new Map(files.map((file) => [dirname(file), []]));
    for (const file of files.sort()) folders.get(dirname(file)).push(file);
    return folders;
}

/** What is wrong with `sources`, which share their fragments. A deprecated field is wrong too: GitHub will take it away. */
function problemsOf(github, sources) {
    const errors = validate(github, concatAST(sources.map((source) => parse(source))), [...specifiedRules, NoDeprecatedCustomRule]);
    return errors.map(({ message, nodes }) => {
        const { source, startToken } = nodes[0].loc;
        return `${source.name}:${startToken.line}: ${message}`;
    });
}

// ---- Subset ---------------------------------------------------------------------------------------------------------

const KINDS = { isScalarType, isObjectType, isInterfaceType, isUnionType, isEnumType, isInputObjectType };
const kind = (type) => Object.keys(KINDS).find((is) => KINDS[is](type)).slice(2, -4);

/** Where `ours` promises or takes what `github` does not. GitHub may have more. */
function beyond(ours, github) {
    const own = Object.values(ours.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type));
    return own.flatMap((type) => {
        const theirs = github.getType(type.name);
        if (!theirs) return [`GitHub has no type ${type.name}`];
        if (kind(type) !== kind(theirs)) return [`${type.name}: GitHub has it as ${kind(theirs)}, we as ${kind(type)}`];
        return parts(type).flatMap(([group, part]) => only(type.name, group(type), group(theirs), part));
    });
}

/** Named things that a type consists of, each with what has to be the same about it. */
function parts(type) {
    const names = (list) => Object.fromEntries(list.map((entry) => [entry.name, entry]));
    if (isUnionType(type)) return [[(type) => names(type.getTypes())]];
    if (isEnumType(type)) return [[(type) => names(type.getValues())]];
    if (isScalarType(type)) return [];
    const fields = [(type) => type.getFields(), isInputObjectType(type) ? input(isRequiredInputField) : field];
    return isInputObjectType(type) ? [fields] : [fields, [(type) => names(type.getInterfaces())]];
}

function only(place, ours, github, part) {
    const shared = Object.keys(ours).flatMap((name) => {
        if (!github[name]) return [`GitHub has no ${place}.${name}`];
        return part ? part.same(`${place}.${name}`, ours[name], github[name]) : [];
    });
    const lacking = Object.values(github).filter((entry) => part?.wanted(entry) && !ours[entry.name]);
    return [...shared, ...lacking.map(({ name }) => `${place}: GitHub wants ${name}, and we do not know it`)];
}

const sameType = (place, ours, github) => (String(ours.type) === String(github.type)
    ? [] : [`${place}: GitHub has ${github.type}, we have ${ours.type}`]);
const input = (wanted) => ({ same: sameType, wanted });
const field = {
    same: (place, ours, github) => {
        const byName = ({ args }) => Object.fromEntries(args.map((arg) => [arg.name, arg]));
        return [...sameType(place, ours, github), ...only(place, byName(ours), byName(github), input(isRequiredArgument))];
    },
    wanted: () => false,
};

// ---- Both -----------------------------------------------------------------------------------------------------------

function check(github) {
    const folders = documents();
    assert(folders.size > 0, 'no GraphQL documents under crates/automator or steps: has their place changed?');
    const problems = [...folders.values()].flatMap((files) => problemsOf(github, files.map(read)));
    const sdl = read(simulator);
    problems.push(...beyond(buildSchema(sdl), github).map((problem) => `${simulator}: ${problem}`));
    if (problems.length) {
        console.error(problems.join('\n'));
        return 1;
    }
    console.log(`${[...folders.values()].flat().length} documents and the simulator's schema agree with GitHub's`);
    return 0;
}

/** Every mistake of these kinds must be found, by name. */
function selfTest(github) {
    const republished = (from, to) => {
        assert(from.test(idl), `GitHub's schema has changed: no ${from}`);
        return buildSchema(idl.replace(from, to), { assumeValid: true });
    };
    const query = 'query Q($owner: String!, $id: ID!) { node(id: $id) { id } repository(owner: $owner, name: "x") { issues(first: 1) { nodes { id title } } } }';
    const planted = (from, to) => problemsOf(github, [new Source(query.replace(from, to), 'planted')]).join('\n');
    const sdl = readFileSync(join(root, simulator), 'utf8');
    const changed = (from, to) => {
        assert(sdl.includes(from), `the simulator's schema has changed: no ${from}`);
        return beyond(buildSchema(sdl.replace(from, to), { assumeValid: true }), github).join('\n');
    };

    assert.equal(planted('', ''), '');
    assert.match(planted('title', 'titel'), /^planted:1: Cannot query field "titel" on type "Issue"/);
    assert.match(planted('$id: ID!', '$id: String!'), /"\$id" of type "String!" used in position expecting type "ID!"/);
    assert.match(planted('$id: ID!', '$id: ID'), /"\$id" of type "ID" used in position expecting type "ID!"/);
    assert.match(planted('(first: 1)', '(frist: 1)'), /Unknown argument "frist" on field "Repository.issues"/);
    assert.match(planted(', name: "x"', ''), /argument "name" of type "String!" is required/);
    assert.match(planted('nodes { id', 'nodes { ...F id'), /Unknown fragment "F"/);

    assert.equal(changed('type Label ', 'type Label '), '');
    assert.match(changed('title: String!', 'title: String'), /^Issue.title: GitHub has String!, we have String$/m);
    assert.match(changed('merged: Boolean!', 'mergd: Boolean!'), /^GitHub has no PullRequest.mergd$/m);
    assert.match(changed('labels(after: String, first: Int)', 'labels(after: String, frist: Int)'), /^GitHub has no Issue.labels.frist$/m);
    assert.match(changed('name: String!, owner: String!', 'owner: String!'), /^Query.repository: GitHub wants name, /m);
    assert.match(changed('\tbody: String!\n\tclientM', '\tclientM'), /^AddCommentInput: GitHub wants body, /m);
    assert.match(changed('\tDISMISSED\n', '\tDISMISST\n'), /^GitHub has no PullRequestReviewState.DISMISST$/m);
    assert.match(changed('= ClosedEvent |', '= Label | ClosedEvent |'), /^GitHub has no IssueTimelineItems.Label$/m);
    assert.match(changed('type Issue implements Node', 'interface Laber { id: ID! }\ntype Issue implements Node & Laber'),
        /^GitHub has no Issue.Laber$/m);

    // GitHub takes something away …
    const less = republished(/(\btype PullRequest implements[^}]*?)\n {2}"""[^"]*"""\n {2}closedAt: DateTime\n/, '$1\n');
    assert.match(beyond(buildSchema(sdl), less).join('\n'), /^GitHub has no PullRequest.closedAt$/m);
    // … or announces that it will.
    const aging = republished(/(\btype PullRequest implements[^}]*?\n {2}isDraft: Boolean!)/, '$1 @deprecated(reason: "old")');
    const asks = new Source('query Q($id: ID!) { node(id: $id) { ... on PullRequest { isDraft } } }', 'planted');
    assert.match(problemsOf(aging, [asks]).join('\n'), /field PullRequest.isDraft is deprecated. old/);
    assert.deepEqual(problemsOf(github, [asks]), []);
    console.log('every planted mistake was found');
    return 0;
}

const { idl } = published;
const github = buildSchema(idl, { assumeValid: true });
process.exitCode = process.argv.includes('--self-test') ? selfTest(github) : check(github);
