using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>Checks what the objectives on next bytes require of the student and of the shards that it learns from.</summary>
internal static class StudentBytes
{
    /// <summary>The student's tokens in the order of their bytes. Its texts end with eos, if it has one.</summary>
    public static ByteVocabulary VocabularyOf(LanguageModel student)
        => new(student.Tokenizer, student.Tokenizer.EosId is { } eos ? new HashSet<int> { eos } : [], student.ValidRows);

    /// <summary>What does not fit the objectives on next bytes, if any is used.</summary>
    /// <param name="options">The objectives.</param>
    /// <param name="tokenizer">The student's tokenizer; null where it is not known yet.</param>
    /// <param name="run">The run, which says where shards are.</param>
    /// <param name="facts">The shards that the flow reads, and the flows that write them.</param>
    public static IEnumerable<RuleFinding> Faults(ObjectivesOptions options, TextTokenizer? tokenizer, RunSite run, FlowFacts facts)
    {
        if (options.Bytes is null && options.SubwordBytes is null)
            return [];
        string key = $"objectives.{(options.Bytes is null ? BytesObjective.OfSubwords : BytesObjective.OfBytes)}";
        IEnumerable<RuleFinding> shards = facts.ShardsRead.Select(folder => FaultOfShards(folder, run, facts)).OfType<string>().Select(fault => new RuleFinding(key, $"'{key}': {fault}"));
        return tokenizer is null ? shards : FaultsOfTokens(options, tokenizer).Concat(shards);
    }

    /// <summary>Like <see cref="Faults"/>, but throws the first fault.</summary>
    /// <exception cref="DefinitionException">The student's tokens do not fit the objective, or the shards hold no next bytes.</exception>
    public static void Require(ObjectivesOptions options, RunSite run, FlowFacts facts, string stage)
    {
        if (Faults(options, SideTokenizers.Student(run), run, facts).FirstOrDefault() is { } fault)
            throw new DefinitionException($"stage '{stage}': {fault.Message}");
    }

    private static IEnumerable<RuleFinding> FaultsOfTokens(ObjectivesOptions options, TextTokenizer tokenizer)
    {
        int longest = Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.IsSpecial(id)).Max(id => tokenizer.ByteView(id).Length);
        (string bytes, string subwords) = ($"objectives.{BytesObjective.OfBytes}", $"objectives.{BytesObjective.OfSubwords}");
        if (options.Bytes is not null && longest > 1)
        {
            yield return new RuleFinding(bytes,
                $"'{bytes}' is for students of bytes, but the student's tokenizer has tokens of up to {longest} bytes; give the student \"tokenizer\": \"bytes\", "
                + $"or try '{BytesObjective.OfSubwords}', which is an experiment");
        }
        if (options.SubwordBytes is not null && longest <= 1)
            yield return new RuleFinding(subwords, $"'{subwords}' is for students of longer tokens, but the student's are single bytes; use '{BytesObjective.OfBytes}'");
        else if (options.SubwordBytes is not null && ByteVocabulary.Fault(tokenizer) is { } fault)
            yield return new RuleFinding(subwords, $"'{subwords}': the student's tokenizer: {fault}");
    }

    private static string? FaultOfShards(string folder, RunSite run, FlowFacts facts)
    {
        const string Remedy = "set \"bytes\" of score-teacher to \"trunk\" or \"exact\", and write to another folder";
        string full = facts.ShardFolders.Contains(folder) ? run.Output(folder) : run.Input(folder);
        FlowOutput? written = facts.Earlier.LastOrDefault(o => o.Facts.NextBytes is not null && run.Output(o.Output.Path) == full);
        if (written is { Facts.NextBytes: false })
            return $"it trains on next bytes from the shards, but flow '{written.Flow}' writes {folder} without them; {Remedy}";
        // If an earlier flow writes these shards, what is in the folder now does not matter.
        if (written is not null || !run.Storage.FileExists(ShardManifest.PathIn(full)))
            return null;
        return new ShardFingerprint(ShardManifest.Read(run.Storage, full).Fingerprint).NextBytes is null
            ? $"it trains on next bytes from the shards, but {full} has none; {Remedy}"
            : null;
    }
}
