using System.Text;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Inspection;

/// <summary>
/// Finds which special tokens of two sides mean the same: first by role (bos, eos, pad), then by their places in a conversation that both chat templates
/// render, then by name.
/// </summary>
internal static class SpecialTokenAudit
{
    private const string Fine = "ok";

    private static readonly ChatMessage[] Probe =
    [
        new("user", "What is three plus four?"), new("assistant", "It is seven."), new("user", "And five more?"), new("assistant", "Twelve."),
    ];

    /// <summary>Compares the special tokens of two sides.</summary>
    public static SpecialTokens Run(ChatSide teacher, ChatSide student)
    {
        List<SpecialPair> pairs = [];
        AddRole(pairs, "bos", teacher, student, teacher.Tokenizer.BosId, student.Tokenizer.BosId);
        AddRole(pairs, "eos", teacher, student, teacher.Tokenizer.EosId, student.Tokenizer.EosId);
        AddRole(pairs, "pad", teacher, student, teacher.Tokenizer.PadId, student.Tokenizer.PadId);
        HashSet<string> pairedTeacher = [.. pairs.Select(p => p.Teacher)], pairedStudent = [.. pairs.Select(p => p.Student)];
        string conversation = AddTemplate(pairs, pairedTeacher, pairedStudent, teacher, student);
        string[] teacherSpecials = Specials(teacher.Tokenizer), studentSpecials = Specials(student.Tokenizer);
        foreach (string same in teacherSpecials.Intersect(studentSpecials).Where(s => !pairedTeacher.Contains(s) && !pairedStudent.Contains(s)))
            pairs.Add(new SpecialPair("name", same, same));
        return new SpecialTokens(
            pairs,
            [.. teacherSpecials.Except(pairedTeacher).Except(studentSpecials)],
            [.. studentSpecials.Except(pairedStudent).Except(teacherSpecials)],
            conversation);
    }

    private static void AddRole(List<SpecialPair> pairs, string role, ChatSide teacher, ChatSide student, int? teacherId, int? studentId)
    {
        if (teacherId is { } t && studentId is { } s)
            pairs.Add(new SpecialPair(role, teacher.Tokenizer.TokenOf(t)!, student.Tokenizer.TokenOf(s)!));
    }

    private static string AddTemplate(
        List<SpecialPair> pairs, HashSet<string> pairedTeacher, HashSet<string> pairedStudent, ChatSide teacher, ChatSide student)
    {
        TokenSequence[] probe;
        try
        {
            TokenizationRule rule = new([int.MaxValue, int.MaxValue], LongDocuments.Reject, true, true, LossOn.All, null, null);
            probe = new ConversationTokenizer<TokenSequence[]>([teacher, student], rule, static (_, _, sides) => sides, new NoMeter()).Tokenize(default, Probe);
        }
        catch (InputException e)
        {
            return e.Message;
        }
        catch (RejectedException e)
        {
            return $"{e.Reason}: {e.Message}";
        }
        foreach (Chunk chunk in ChunkAligner.Align(probe[0], probe[1]))
        {
            if (probe[0].Unit(chunk.TeacherStart) == UnitLabels.Text)
                continue;
            int[] teacherIds = probe[0].Ids[chunk.TeacherStart..chunk.TeacherEnd], studentIds = probe[1].Ids[chunk.StudentStart..chunk.StudentEnd];
            bool isNew = teacherIds.Any(id => IsNew(teacher.Tokenizer, id, pairedTeacher)) | studentIds.Any(id => IsNew(student.Tokenizer, id, pairedStudent));
            if (isNew)
                pairs.Add(new SpecialPair("template", Spell(teacher.Tokenizer, teacherIds), Spell(student.Tokenizer, studentIds)));
        }
        return Fine;
    }

    private static bool IsNew(TextTokenizer tokenizer, int id, HashSet<string> paired)
        => tokenizer.IsSpecial(id) && paired.Add(tokenizer.TokenOf(id)!);

    private static string Spell(TextTokenizer tokenizer, int[] ids)
        => Encoding.UTF8.GetString([.. ids.SelectMany(id => tokenizer.ByteView(id).ToArray())]);

    private static string[] Specials(TextTokenizer tokenizer) => [.. tokenizer.SpecialIds.Select(id => tokenizer.TokenOf(id)!)];

    /// <summary>Ignores everything: the probe is not part of a run, so nobody wants its counts.</summary>
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
