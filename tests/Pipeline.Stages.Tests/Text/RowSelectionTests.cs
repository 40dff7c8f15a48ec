using CsCheck;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

public sealed class RowSelectionTests
{
    [Fact]
    public void Parts_cover_the_selection_without_gap_or_overlap_and_differ_by_one_row_at_most()
        => Gen.Select(Gen.Long[0, 1L << 61], Gen.Long[0, 1L << 61], Gen.Long[0, 1L << 61], Gen.Int[1, 300]).Sample((total, skip, maximum, count) =>
        {
            (long first, long end) = RowSelection.Select(total, skip, maximum, null);
            long at = first;
            for (int index = 0; index < count; index++)
            {
                (long from, long to) = RowSelection.Select(total, skip, maximum, new Partition(index, count));
                Int128 rows = end - first;
                if (from != at || to != first + (long)(rows * (index + 1) / count))
                    return false;
                at = to;
            }
            return at == end && end <= total && (maximum == 0 || end - first <= maximum);
        });
}
