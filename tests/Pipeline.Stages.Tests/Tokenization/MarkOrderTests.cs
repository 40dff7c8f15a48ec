using System.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>Compares long runs of combining marks with the library's own normalization, where that is fast enough.</summary>
public sealed class MarkOrderTests
{
    private static readonly int[] s_marks = [.. Enumerable.Range(0, 0x20000).Where(c => CombiningClasses.Of(c) > 0)];

    // Characters that decompose into marks, and letters that carry marks.
    private static readonly int[] s_others = [0x344, 0xF73, 0xF75, 0xF81, 0xFF9E, 0xFF9F, 'e', 0xE9, 0x1EA4, 0x1F82, 0x304B, 0xFF76, 0xAC00, 0xFFFD];

    [Theory]
    [InlineData(NormalizationForm.FormC)]
    [InlineData(NormalizationForm.FormD)]
    [InlineData(NormalizationForm.FormKC)]
    [InlineData(NormalizationForm.FormKD)]
    public void What_is_sorted_beforehand_normalizes_to_the_same(NormalizationForm form)
    {
        var random = new Random(7);
        int changed = 0;
        for (int round = 0; round < 400; round++)
        {
            var text = new StringBuilder();
            int length = random.Next(1, 400), others = random.Next(1, 60);
            for (int i = 0; i < length; i++)
                text.Append(new Rune(random.Next(others) == 0 ? s_others[random.Next(s_others.Length)] : s_marks[random.Next(s_marks.Length)]));
            string given = text.ToString(), sorted = MarkOrder.Sort(given, form).ToString();
            changed += sorted == given ? 0 : 1;
            Assert.Equal(given.Normalize(form), sorted.Normalize(form));
        }
        Assert.InRange(changed, 200, 400);
    }

    [Fact]
    public void Classes_are_those_by_which_the_library_orders()
    {
        // Each of these has another class. After a mark of a higher class, it moves in front of that mark.
        foreach (int reference in (int[])[0x334, 0x5B0, 0x5B9, 0x321, 0x323, 0x301, 0x345])
        {
            foreach (int mark in s_marks.Where(m => CombiningClasses.Of(m) != CombiningClasses.Of(reference) && !s_others.Contains(m)))
            {
                string first = new Rune(mark).ToString(), second = new Rune(reference).ToString();
                // A mark that decomposes is ordered by its parts, which are tested by themselves.
                if (first.Normalize(NormalizationForm.FormD) != first)
                    continue;
                bool moves = (first + second).Normalize(NormalizationForm.FormD) == second + first;
                Assert.Equal((mark, CombiningClasses.Of(mark) > CombiningClasses.Of(reference)), (mark, moves));
            }
        }
    }

    [Fact]
    public void A_run_of_hundreds_of_thousands_is_normalized()
    {
        const int Pairs = 200_000;
        string given = "e" + string.Concat(Enumerable.Repeat("\u0301\u0323", Pairs));
        Assert.Equal("\u1EB9" + new string('\u0323', Pairs - 1) + new string('\u0301', Pairs), WellFormedText.Normalize(given));
    }

    [Fact]
    public void Text_without_a_long_run_is_left_alone()
    {
        string given = "nai\u0308ve " + string.Concat(Enumerable.Repeat("e\u0301\u0323", 100));
        Assert.True(MarkOrder.Sort(given, NormalizationForm.FormC).SequenceEqual(given));
    }
}
