using System.Globalization;
using System.IO.Hashing;
using System.Text;

using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Text.Problems;

/// <summary>
/// Writes arithmetic word problems with worked answers. A hash of the question decides which split a problem belongs to. Therefore no question is in both
/// splits, whatever the seeds are.
/// </summary>
internal static class ProblemWriter
{
    /// <summary>Must be increased with every change that changes the texts.</summary>
    public const long Version = 1;

    /// <summary>One question in this many belongs to the test split.</summary>
    private const ulong TestShare = 8;

    /// <summary>The text of a problem. It is a pure function of seed, split and index.</summary>
    public static string Write(int seed, ProblemSplit split, long index)
    {
        for (long attempt = 0; ; attempt++)
        {
            var story = new Story(new Draw(CounterRandom.Key(Version, seed, (long)split, index, attempt)));
            Tell(story);
            if (SplitOf(story.Question) == split)
                return Render(story);
        }
    }

    public static ProblemSplit SplitOf(string question)
        => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(question)) % TestShare == 0 ? ProblemSplit.Test : ProblemSplit.Train;

    private static void Tell(Story story)
    {
        int kind = story.Number(1, 10);
        if (kind <= 4)
            TellOfThings(story);
        else if (kind <= 6)
            story.Draw.Pick<Action<Story>>(MoneySituations.All)(story);
        else
            story.Draw.Pick<Action<Story>>(WorldSituations.All)(story);
    }

    private static void TellOfThings(Story story)
    {
        Person person = story.Person();
        string things = story.Pick(story.Draw.OneIn(2) ? Words.SmallThings : story.Draw.OneIn(2) ? Words.Fruits : Words.Goods);
        story.Draw.Pick<Action<Story, Person, string>>(HoldingSituations.Beginnings)(story, person, things);
        for (int events = story.Number(0, 2); events > 0 && story.Steps.Count < 3; events--)
            story.Draw.Pick<Action<Story, Person, string>>(HoldingSituations.Events)(story, person, things);
        HoldingSituations.Ask(story, person, things);
    }

    private static string Render(Story story)
    {
        var text = new StringBuilder();
        (string question, string work) = story.Draw.Pick(("Question: ", "Solution:\n"), ("Problem: ", "Working:\n"), ("", ""));
        text.Append(question).Append(story.Question).Append('\n').Append(work);
        int style = story.Number(1, 3);
        for (int i = 0; i < story.Steps.Count; i++)
        {
            string[] parts = story.Steps[i].Split('|');
            text.Append(Step(style, i, story.Steps.Count, parts[0], parts[1])).Append('\n');
        }
        return text.Append(CultureInfo.InvariantCulture, $"Answer: {story.Value}").ToString();
    }

    private static string Step(int style, int index, int count, string what, string equation) => style switch
    {
        1 => $"{char.ToUpperInvariant(what[0])}{what[1..]}: {equation}.",
        2 => string.Create(CultureInfo.InvariantCulture, $"Step {index + 1}. We need {what}: {equation}."),
        _ => $"{(count == 1 ? "We find" : index == 0 ? "First we find" : index == count - 1 ? "At last we find" : "Then we find")} {what}. {equation}.",
    };
}

/// <summary>The two sets of problems, which have no question in common.</summary>
internal enum ProblemSplit
{
    Train,
    Test,
}
