using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tasks;

/// <summary>
/// Keeps answers on disk. One file has the answers of one model to some questions of a task, and is named by a hash of everything that the answers
/// depend on. A judgement that was stopped therefore continues, an additional model is the only one that is asked, and no answer is ever stale.
/// </summary>
internal sealed class AnswerStore(IStorage storage, string folder, JudgeTasksOptions options)
{
    private const string Format = "alm-task-answers";

    /// <summary>Everything about a model that its answers depend on: weights, tokenizers, ends of text, edits and averaging.</summary>
    public string KeyOf(AnsweringModel model, TokenizerStore tokenizers)
    {
        var key = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{model.Averaging.Kind} {string.Join(' ', model.Averaging.Weights)}"));
        foreach (ModelPlace place in model.Places)
        {
            TextTokenizer tokenizer = tokenizers.Get(place.Tokenizer);
            key.Append(CultureInfo.InvariantCulture, $"|{ModelFingerprint.Of(place.Folder, storage)} {tokenizer.Fingerprint} {string.Join(' ', EndTokens.Read(place.Folder, tokenizer, storage).Order())}");
            if (place.Edit is { } edit)
                key.Append(CultureInfo.InvariantCulture, $" {(storage.DirectoryExists(edit) ? ModelFingerprint.Of(edit, storage) : FileHash.Of(storage, edit).Hash)}");
        }
        return key.ToString();
    }

    /// <summary>The file of the answers to some questions of one task.</summary>
    /// <param name="modelKey">From <see cref="KeyOf"/>.</param>
    /// <param name="questions">The questions, in order; at least one.</param>
    public string PathOf(string modelKey, IReadOnlyList<TaskQuestion> questions)
    {
        var hash = new XxHash128();
        void Add(string part)
        {
            hash.Append(Encoding.UTF8.GetBytes(part));
            hash.Append("\0"u8);
        }
        TaskFile task = questions[0].Task;
        Add(modelKey);
        Add(string.Create(CultureInfo.InvariantCulture, $"{task.Kind} {task.MaxBytes} {options.WindowBytes} {options.Stride}"));
        foreach (string stop in task.Stop)
            Add(stop);
        foreach (TaskQuestion question in questions)
        {
            Add(question.Prompt);
            foreach (string choice in question.Continuations)
                Add(choice);
        }
        return Path.Combine(folder, Convert.ToHexStringLower(hash.GetCurrentHash()) + ".json");
    }

    /// <summary>Reads answers. Null if the questions were not answered yet.</summary>
    /// <exception cref="Pipeline.Contracts.Errors.DamagedException">The file is not what was written.</exception>
    public IReadOnlyList<TaskAnswer>? Read(string path) => !storage.FileExists(path) ? null
        : CheckedJson.Read<Content>(storage, path, Format, 1, "delete it, and its questions are asked again").Answers;

    /// <summary>Writes the answers to all questions of a file, in their order.</summary>
    public void Write(string path, IReadOnlyList<TaskAnswer> answers) => CheckedJson.Write(storage, path, new Content(Format, 1, answers));

    private sealed record Content(string Format, int Version, IReadOnlyList<TaskAnswer> Answers);
}
