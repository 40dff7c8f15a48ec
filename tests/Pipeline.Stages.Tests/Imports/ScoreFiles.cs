using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Imports;

namespace Pipeline.Stages.Tests.Imports;

/// <summary>Examples as lines of scores, and what must be the same of those that were asked for and those that were read.</summary>
internal static class ScoreFiles
{
    /// <summary>An example as a program that knows nothing of ours would write it.</summary>
    public static JsonObject Line(Example example)
    {
        (TokenSequence tokens, TeacherScores scores) = (example.Teacher!.Tokens, example.Teacher.Scores);
        byte[] text = Encoding.UTF8.GetBytes(example.Text);
        var line = new JsonObject
        {
            ["text"] = example.Text,
            ["ids"] = new JsonArray([.. tokens.Ids.Select(id => (JsonNode)id)]),
            ["pieces"] = new JsonArray([.. tokens.ByteEnds.Select((end, i) => tokens.Unit(i) == UnitLabels.Text
                ? (JsonNode)new JsonArray([.. text[(i == 0 ? 0 : tokens.ByteEnds[i - 1])..end].Select(b => (JsonNode)(int)b)]) : null)]),
            ["scores"] = Numbers(scores.NegLogLikelihood),
        };
        line["scores"]![0] = null;
        if (scores.NegLogBoundary is { } mass)
            line["mass"] = Numbers(mass);
        if (scores.Interval is { } bounds)
            (line["least"], line["most"]) = (Numbers(bounds.NegLogLower), Numbers(bounds.NegLogUpper));
        return line;
    }

    private static JsonArray Numbers(float[] negative) => new([.. negative.Select(n => (JsonNode)(-n))]);

    public static void AssertSame(Example asked, Example read, bool withIds)
    {
        Assert.Equal(asked.Text, read.Text);
        Assert.Equal(asked.Chunks, read.Chunks);
        Assert.Equal(asked.Student.Ids, read.Student.Ids);
        (TokenSequence a, TokenSequence b) = (asked.Teacher!.Tokens, read.Teacher!.Tokens);
        Assert.Equal(withIds ? a.Ids : [.. a.Ids.Select(_ => PlacedTokens.UnknownId)], b.Ids);
        Assert.Equal(a.ByteEnds, b.ByteEnds);
        Assert.Equal(a.Units, b.Units);
        Assert.Equal(a.LossMask, b.LossMask);
        (TeacherScores x, TeacherScores y) = (asked.Teacher.Scores, read.Teacher.Scores);
        Assert.Equal(x.NegLogLikelihood, y.NegLogLikelihood);
        Assert.Equal(x.NegLogBoundary, y.NegLogBoundary);
        Assert.Equal(x.Interval?.NegLogLower, y.Interval?.NegLogLower);
        Assert.Equal(x.Interval?.NegLogUpper, y.Interval?.NegLogUpper);
    }
}
