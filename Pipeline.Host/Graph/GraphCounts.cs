using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>
/// Checks that no record was lost: every record that a stage took has passed or was rejected, and each stage took what the one before it produced.
/// Only a stage that was cut short (<see cref="GraphNode.CutShort"/>) may have produced more than was taken.
/// </summary>
internal static class GraphCounts
{
    /// <summary>The counts of all stages, in order.</summary>
    /// <exception cref="DefectException">The counts do not add up.</exception>
    public static IReadOnlyList<StageCounts> Check(IReadOnlyList<GraphNode> nodes)
    {
        var all = new List<StageCounts>();
        for (int i = 0; i < nodes.Count; i++)
        {
            GraphNode node = nodes[i];
            StageCounts counts = node.Meter.Snapshot(node.Role);
            if (i > 0)
            {
                long left = all[i - 1].Out - counts.In;
                if (left < 0 || (left > 0 && !nodes[i - 1].CutShort))
                    throw Mismatch(node, $"took {counts.In} of the {all[i - 1].Out} records that '{nodes[i - 1].Name}' produced");
                node.Meter.LeftUnread(left);
                counts = counts with { Unread = left };
            }
            long decided = counts.Passed + counts.Rejected;
            if (decided > counts.In || counts.Passed < 0 || (decided < counts.In && !node.CutShort))
                throw Mismatch(node, $"took {counts.In} records, of which {counts.Passed} passed and {counts.Rejected} were rejected");
            all.Add(counts);
        }
        return all;
    }

    private static DefectException Mismatch(GraphNode node, string what)
        => new(string.Create(CultureInfo.InvariantCulture, $"flow '{node.Meter.Flow}', stage '{node.Name}': records were lost: it {what}"));
}
