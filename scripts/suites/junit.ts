import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const testCase = z.looseObject({
  failure: z.unknown().optional(),
  error: z.unknown().optional(),
  skipped: z.unknown().optional(),
});

interface SuiteNode {
  testsuite?: SuiteNode[] | undefined;
  testcase?: z.output<typeof testCase>[] | undefined;
}

const suiteNode: z.ZodType<SuiteNode> = z.lazy(() =>
  z.looseObject({
    testsuite: z.array(suiteNode).optional(),
    testcase: z.array(testCase).optional(),
  }),
);

const report = z.looseObject({ testsuites: z.array(suiteNode).length(1) });

/**
 * Counts the test cases of a JUnit report one by one: the totals that its suites claim for
 * themselves are not believed.
 *
 * @throws if the text is not such a report
 */
export function countJUnit(xml: string): Counts {
  const parser = new XMLParser({
    isArray: (name) => name.startsWith('test'),
    alwaysCreateTextNode: true,
  });
  const parsed: unknown = parser.parse(xml, true);
  return countNodes(report.parse(parsed).testsuites);
}

function countNodes(nodes: readonly SuiteNode[]): Counts {
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const node of nodes) {
    counts = addCounts(counts, countNodes(node.testsuite ?? []));
    for (const { failure, error, skipped } of node.testcase ?? []) {
      const failed = failure !== undefined || error !== undefined;
      counts = addCounts(counts, {
        passed: failed || skipped !== undefined ? 0 : 1,
        failed: failed ? 1 : 0,
        skipped: !failed && skipped !== undefined ? 1 : 0,
      });
    }
  }
  return counts;
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
