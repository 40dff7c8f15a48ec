using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>What the objectives of next bytes ask of a student and of the shards it learns from.</summary>
internal static class StudentBytes
{
    /// <summary>The student's tokens by their bytes; its text ends with eos.</summary>
    public static ByteVocabulary VocabularyOf(LanguageModel student)
        => new(student.Tokenizer, student.Tokenizer.EosId is { } eos ? new HashSet<int> { eos } : [], student.ValidRows);

    /// <exception cref="DefinitionException">The student has other tokens than the objective is for, or the shards hold no next bytes.</exception>
    public static void Require(ObjectivesOptions options, RunSite run, FlowFacts facts, string stage)
    {
        if (options.Bytes is null && options.SubwordBytes is null)
            return;
        TextTokenizer tokenizer = SideTokenizers.Student(run);
        int longest = Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.IsSpecial(id)).Max(id => tokenizer.ByteView(id).Length);
        if (options.Bytes is not null && longest > 1)
        {
            throw new DefinitionException(
                $"stage '{stage}': objective '{BytesObjective.OfBytes}' is for students of bytes, and the student's tokenizer has tokens of up to {longest} bytes; give the student \"tokenizer\": \"bytes\", "
                + $"or try '{BytesObjective.OfSubwords}', which is an experiment");
        }
        if (options.SubwordBytes is not null && longest <= 1)
            throw new DefinitionException($"stage '{stage}': objective '{BytesObjective.OfSubwords}' is for students of longer tokens, and the student's are single bytes; use '{BytesObjective.OfBytes}'");
        if (options.SubwordBytes is not null)
            _ = new ByteVocabulary(tokenizer, new HashSet<int>(), tokenizer.VocabularySize);
        foreach (string folder in facts.ShardsRead)
            RequireShards(folder, run, facts, stage);
    }

    private static void RequireShards(string folder, RunSite run, FlowFacts facts, string stage)
    {
        const string Remedy = "let score-teacher say \"bytes\": \"trunk\" or \"exact\", and write to another folder";
        string full = facts.ShardFolders.Contains(folder) ? run.Output(folder) : run.Input(folder);
        foreach (FlowOutput written in facts.Earlier.Where(o => o.Facts.NextBytes == false && run.Output(o.Output.Path) == full))
            throw new DefinitionException($"stage '{stage}': objectives of next bytes need them in the shards, and flow '{written.Flow}' writes {folder} without; {Remedy}");
        if (!run.Storage.FileExists(ShardManifest.PathIn(full)))
            return;
        if (new ShardFingerprint(ShardManifest.Read(run.Storage, full).Fingerprint).NextBytes is null)
            throw new DefinitionException($"stage '{stage}': objectives of next bytes need them in the shards, and {full} has none; {Remedy}");
    }
}
