using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace Pipeline.Host.Tests.Serving;

/// <summary>The official OpenAI library for .NET, which nobody here wrote, lists models, completes, and chats whole and as a stream.</summary>
public sealed class OpenAiClientTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Models_are_listed_and_a_chat_is_the_same_whole_and_streamed()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={WithTemplate("teacher")}", "--api-key", "a-key");
        OpenAIClient client = Client(server, "a-key");

        OpenAIModelCollection models = await client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Equal(["teacher"], models.Select(m => m.Id));

        ChatClient chat = client.GetChatClient("teacher");
        ChatMessage[] messages = [new SystemChatMessage("You count."), new UserChatMessage("Tom has 3 apples and")];
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 12, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        ChatCompletion whole = await chat.CompleteChatAsync(messages, options);
        var streamed = new StringBuilder();
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(messages, options))
        {
            streamed.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            reason = update.FinishReason ?? reason;
        }

        Assert.NotEmpty(whole.Content[0].Text);
        Assert.Equal(whole.Content[0].Text, streamed.ToString());
        Assert.Equal(whole.FinishReason, reason);
        Assert.Equal(whole.Usage.OutputTokenCount, whole.ContentTokenLogProbabilities.Count);
        // The most likely token was taken each time, and its number is that of the first of the list.
        Assert.All(whole.ContentTokenLogProbabilities, token => Assert.Equal(token.TopLogProbabilities[0].LogProbability, token.LogProbability));
        // As alm generate goes on from the prompt that the template writes.
        AlmAnswer generated = await Alm.RunAsync(
            ["generate", "--model", WithTemplate("again"), "--prompt", "system: You count.\nuser: Tom has 3 apples and\nassistant: ", "--max-tokens", "12", "--greedy"]);
        Assert.Equal(generated.Output.TrimEnd('\n'), whole.Content[0].Text.TrimEnd('\n'));
    }

    [Fact]
    public async Task A_completion_goes_through_the_clients_own_pipeline()
    {
        // The library has no public completions any more: a message of our own, with its key, its address and its errors.
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={WithTemplate("teacher")}", "--api-key", "a-key");
        ClientPipeline pipeline = Client(server, "a-key").GetChatClient("teacher").Pipeline;
        using PipelineMessage message = pipeline.CreateMessage();
        message.Request.Method = "POST";
        message.Request.Uri = new Uri(server.Url + "/v1/completions");
        message.Request.Headers.Set("Content-Type", "application/json");
        message.Request.Content = BinaryContent.Create(BinaryData.FromObjectAsJson(new { model = "teacher", prompt = "Tom has 3 apples and", max_tokens = 12, temperature = 0 }));
        await pipeline.SendAsync(message);
        Assert.Equal(200, message.Response!.Status);
        string said = (string)JsonNode.Parse(message.Response.Content)!["choices"]![0]!["text"]!;
        AlmAnswer generated = await Alm.RunAsync(["generate", "--model", WithTemplate("again"), "--prompt", "Tom has 3 apples and", "--max-tokens", "12", "--greedy"]);
        Assert.Equal(generated.Output.TrimEnd('\n'), said.TrimEnd('\n'));
    }

    [Fact]
    public async Task A_wrong_key_and_an_unknown_model_are_errors_that_the_client_knows()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={WithTemplate("teacher")}", "--api-key", "a-key");
        ClientResultException key = await Assert.ThrowsAsync<ClientResultException>(() => Client(server, "another").GetOpenAIModelClient().GetModelsAsync());
        Assert.Equal(401, key.Status);
        ClientResultException model = await Assert.ThrowsAsync<ClientResultException>(() => Client(server, "a-key").GetChatClient("nobody").CompleteChatAsync("hi"));
        Assert.Equal(404, model.Status);
        Assert.Contains("'nobody' is not served here; available: 'teacher'", model.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_of_unlike_tokenizers_chat_as_one_through_their_own_templates()
    {
        string bytes = ByteModel.Save(_folder["bytes"], seed: 4);
        await File.WriteAllTextAsync(Path.Combine(bytes, "chat_template.jinja"), "{% for m in messages %}<{{ m.content }}>{% endfor %}");
        await using ServedAlm server = await ServedAlm.StartAsync("--ensemble", $"both={WithTemplate("teacher")},{bytes}", "--weights", "4,1");
        ChatClient chat = Client(server, "none").GetChatClient("both");
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 16 };
        ChatCompletion whole = await chat.CompleteChatAsync([new UserChatMessage("Tom has 3 apples and")], options);
        var streamed = new StringBuilder();
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync([new UserChatMessage("Tom has 3 apples and")], options))
            streamed.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
        Assert.NotEmpty(whole.Content[0].Text);
        Assert.Equal(whole.Content[0].Text, streamed.ToString());
    }

    private static OpenAIClient Client(ServedAlm server, string key)
        => new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Url + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    private string WithTemplate(string name) => ChatFolder.Make(_folder[name]);
}
