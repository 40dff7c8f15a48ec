using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>Writes a model under another tokenizer, without any training, as a Hugging Face folder.</summary>
public static class StudentTransfer
{
    /// <summary>Writes the model that a training run with this student would start from.</summary>
    /// <param name="student">The model, the tokenizer, and how new embeddings begin. All paths must be full paths.</param>
    /// <param name="to">The full path of the folder to write.</param>
    /// <param name="type">The number format of the weights.</param>
    /// <param name="seed">The seed of the embeddings that are drawn at random.</param>
    /// <param name="storage">Where files are read and written.</param>
    /// <param name="device">The device that computes.</param>
    /// <param name="cancellationToken">Cancels the work if it has not begun.</param>
    /// <returns>What the user should know about the result: remarks on the model, and whether the two vocabularies write numbers differently.</returns>
    /// <exception cref="Contracts.Errors.InputException">A file that is named does not exist, or does not fit.</exception>
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
