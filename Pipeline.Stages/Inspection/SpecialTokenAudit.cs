using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Inspection;

/// <summary>Finds which special tokens of two sides mean the same: by role, by where they stand in a rendered conversation, by name.</summary>
internal static class SpecialTokenAudit
{
    private const string Fine = "ok";

    private static readonly ChatMessage[] Probe =
    [
        new("user", "What is three plus four?"), new("assistant", "It is seven."), new("user", "And five more?"), new("assistant", "Twelve."),
    ];

    public static SpecialTokens Run(ChatSide teacher, ChatSide student)
    {
        List<SpecialPair> pairs = [];
        AddRole(pairs, "bos", teacher, student, teacher.Tokenizer.BosId, student.Tokenizer.BosId);
        AddRole(pairs, "eos", teacher, student, teacher.Tokenizer.EosId, student.Tokenizer.EosId);
        AddRole(pairs, "pad", teacher, student, teacher.Tokenizer.PadId, student.Tokenizer.PadId);
        string conversation = AddTemplate(pairs, teacher, student);
        string[] ours = Specials(teacher.Tokenizer), theirs = Specials(student.Tokenizer);
        foreach (string same in ours.Intersect(theirs).Where(s => !pairs.Any(p => p.Teacher == s && p.Student == s)))
            pairs.Add(new SpecialPair("name", same, same));
        return new SpecialTokens(
            pairs,
            [.. ours.Except(pairs.SelectMany(p => p.Teacher.Split(' ')))],
            [.. theirs.Except(pairs.SelectMany(p => p.Student.Split(' ')))],
            conversation);
    }

    private static void AddRole(List<SpecialPair> pairs, string role, ChatSide teacher, ChatSide student, int? ours, int? theirs)
    {
        if (ours is { } t && theirs is { } s)
            pairs.Add(new SpecialPair(role, teacher.Tokenizer.TokenOf(t)!, student.Tokenizer.TokenOf(s)!));
    }

    private static string AddTemplate(List<SpecialPair> pairs, ChatSide teacher, ChatSide student)
    {
        DocumentPart probe;
        try
        {
            TokenizationRule rule = new([int.MaxValue, int.MaxValue], LongDocuments.Reject, true, true, LossOn.All, null);
            probe = new ConversationTokenizer([teacher, student], rule, new NoMeter()).Tokenize(default, Probe);
        }
        catch (InputException e)
        {
            return e.Message;
        }
        catch (RejectedException e)
        {
            return $"{e.Reason}: {e.Message}";
        }
        foreach (Chunk chunk in ChunkAligner.Align(probe.Sides[0], probe.Sides[1]))
        {
            string ours = Marks(teacher.Tokenizer, probe.Sides[0], chunk.TeacherStart, chunk.TeacherEnd);
            string theirs = Marks(student.Tokenizer, probe.Sides[1], chunk.StudentStart, chunk.StudentEnd);
            if (ours.Length > 0 && theirs.Length > 0 && !pairs.Any(p => p.Teacher == ours && p.Student == theirs))
                pairs.Add(new SpecialPair("template", ours, theirs));
        }
        return Fine;
    }

    private static string Marks(TextTokenizer tokenizer, TokenSequence side, int start, int end)
        => string.Join(' ', Enumerable.Range(start, end - start).Where(i => side.Unit(i) != UnitLabels.Text && tokenizer.IsSpecial(side.Ids[i]))
            .Select(i => tokenizer.TokenOf(side.Ids[i])));

    private static string[] Specials(TextTokenizer tokenizer) => [.. tokenizer.SpecialIds.Select(id => tokenizer.TokenOf(id)!)];

    /// <summary>The probe is no part of a run: there is nothing to report to.</summary>
    private sealed class NoMeter : IStageMeter
    {
        public void Count(string name, long amount)
        {
        }

        public void Scalar(string name, long step, double value)
        {
        }

        public void Progress(long done, long total)
        {
        }

        public void Say(string message)
        {
        }
    }
}
