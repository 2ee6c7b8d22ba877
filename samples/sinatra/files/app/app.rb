# A Sinatra site on Puma, on the port that the platform chose.
require 'sinatra'

set :bind, '0.0.0.0'
set :port, ENV.fetch('PORT', '8080')
set :server, :puma
set :environment, :production

get '/' do
  content_type 'text/plain'
  "Hello #{ENV.fetch('TARGET', 'World')} from Sinatra!\n"
end
