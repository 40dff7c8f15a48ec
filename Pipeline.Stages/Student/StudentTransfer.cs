using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>A model under another tokenizer, without any training, as a Hugging Face folder.</summary>
public static class StudentTransfer
{
    /// <summary>Writes what a training run would begin from.</summary>
    /// <param name="student">Model, tokenizer and how rows begin, with full paths.</param>
    /// <param name="to">Full path of the folder to write.</param>
    /// <param name="type">Number format of the weights.</param>
    /// <param name="seed">Of rows that are drawn.</param>
    /// <param name="storage">Files.</param>
    /// <param name="device">Where the maths runs.</param>
    /// <returns>What the reader should know.</returns>
    /// <exception cref="Contracts.Errors.InputException">Something named does not exist, or does not fit.</exception>
    public static async Task<string> WriteAsync(
        StudentDefinition student, string to, WeightType type, int seed, IStorage storage, TorchDevice device, CancellationToken cancellationToken)
    {
        var run = new RunSite(new RunDefinition { Name = "transfer", Seed = seed, Student = student, Flows = [] }, Path.GetDirectoryName(to) ?? to, storage, new TokenizerStore(storage));
        return await device.RunAsync(() =>
        {
            using LanguageModel model = StudentFactory.Create(run, device);
            StudentExport.Write(model, to, type, run, model.Expansion);
            return string.Concat(model.Remarks.Select(remark => remark + "; ")) + NumeralsAudit.Of(run.Tokenizers.Get(student.Model!), model.Tokenizer).Describe();
        }, cancellationToken).ConfigureAwait(false);
    }
}
